#include "common/key_tree_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/fd.h"
#include "common/file.h"
#include "common/key_file.h"
#include "common/strings.h"

namespace coalition {
namespace {

// Some 5 KiB for each leaf that is destroyed: more than there will be.
constexpr size_t kFileBytesMax = size_t{1} << 36;

std::filesystem::path DirectoryOf(const std::string& file) {
  const std::filesystem::path parent = std::filesystem::path(file).parent_path();
  return parent.empty() ? "." : parent;
}

// As WriteFileAtomic names what it has not renamed yet.
bool IsLeftoverOf(const std::string& file, const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(std::filesystem::path(file).filename().string() + ".") && name.ends_with(".tmp");
}

absl::Status Write(const std::string& file, const PuncturedTree& tree) {
  std::string bytes = tree.Encode();
  absl::Status written = WriteFileAtomic(file, bytes, 0600);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return written;
}

// Durably. Of a file system that writes elsewhere each time this takes nothing away (docs/operations.md).
absl::Status Overwrite(int fd, const std::string& file) {
  const auto failed = [&file] {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot overwrite what ", file, " was before"));
  };
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) return failed();
  const std::string zeros(size_t{64} << 10, '\0');
  for (off_t at = 0; at < facts.st_size;) {
    const size_t count = std::min<size_t>(zeros.size(), static_cast<size_t>(facts.st_size - at));
    const ssize_t written = ::pwrite(fd, zeros.data(), count, at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed();
    at += written;
  }
  return ::fdatasync(fd) == 0 ? absl::OkStatus() : failed();
}

// nullopt: there is none.
absl::StatusOr<std::optional<Fd>> OpenToOverwrite(const std::string& file, int more_flags) {
  Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC | more_flags));
  if (fd.get() >= 0) return std::optional<Fd>(std::move(fd));
  if (errno == ENOENT) return std::optional<Fd>();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", file));
}

absl::Status RemoveLeftover(const std::string& leftover) {
  // No link: nothing is overwritten that lies elsewhere.
  const absl::StatusOr<std::optional<Fd>> opened = OpenToOverwrite(leftover, O_NOFOLLOW);
  if (!opened.ok()) return opened.status();
  if (!opened->has_value()) return absl::OkStatus();
  // Its name first: what has lost that can't become the file any more, should a server that runs here be
  // about to rename it.
  const absl::Status removed = RemoveFile(leftover);
  if (absl::IsNotFound(removed)) return absl::OkStatus();
  return removed.ok() ? Overwrite((*opened)->get(), leftover) : removed;
}

}  // namespace

LeafKey::~LeafKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

std::optional<LeafKey> LeafKey::Of(const PuncturedTree& tree, uint64_t index) {
  std::optional<PuncturedTree::Key> leaf = tree.Leaf(index);
  if (!leaf) return std::nullopt;
  std::optional<LeafKey> key(std::in_place, *leaf);
  OPENSSL_cleanse(leaf->data(), leaf->size());
  return key;
}

absl::StatusOr<PuncturedTree> LoadKeyTree(const std::string& file, unsigned bits, bool may_create,
                                          std::string_view without_it, Random& random) {
  absl::StatusOr<std::string> bytes = ReadFile(file, kFileBytesMax);
  if (absl::IsNotFound(bytes.status()) && may_create) {
    PuncturedTree made = PuncturedTree::Make(bits, random);
    if (absl::Status written = Write(file, made); !written.ok()) return written;
    return made;
  }
  if (absl::IsNotFound(bytes.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        file,
        " is missing, and the store is not empty: restore it from your newest copy of the key directory. "
        "Without it ",
        Absl(without_it), "; what to do if there is no copy stands in docs/operations.md, \"The keys\"."));
  }
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<PuncturedTree> tree = PuncturedTree::Decode(*bytes);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  if (absl::Status is_private = CheckPrivateFile(file, "secrets"); !is_private.ok()) return is_private;
  if (tree.ok() && tree->bits() == bits) return tree;
  return absl::FailedPreconditionError(
      absl::StrCat(file, ": ", tree.ok() ? "this tree of keys has another size" : tree.status().message(),
                   ": restore it from your newest copy of the key directory"));
}

absl::Status RemoveLeftovers(const std::string& file) {
  const std::filesystem::path directory = DirectoryOf(file);
  std::vector<std::string> leftovers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (IsLeftoverOf(file, entry->path())) leftovers.push_back(entry->path().string());
  }
  if (error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read ", directory.string()));
  }
  for (const std::string& leftover : leftovers) {
    if (absl::Status removed = RemoveLeftover(leftover); !removed.ok()) return removed;
  }
  return SyncDirectory(directory.string());
}

KeyTreeFile::KeyTreeFile(std::string file, PuncturedTree tree)
    : file_(std::move(file)), tree_(std::make_shared<const PuncturedTree>(std::move(tree))) {}

absl::Status KeyTreeFile::Destroy(const Rest& rest) {
  const MutexLock lock(destroying_);
  const bool is_kept = !file_.empty();
  // Also before what is passed over: whoever destroyed it may have ended before that was durable.
  if (is_kept) {
    if (absl::Status removed = RemoveLeftovers(file_); !removed.ok()) return removed;
  }
  std::optional<PuncturedTree> left = rest(*tree());
  if (!left) return absl::OkStatus();
  auto after = std::make_shared<const PuncturedTree>(*std::move(left));
  if (!is_kept) {
    tree_.store(std::move(after), std::memory_order_release);
    return absl::OkStatus();
  }
  // Opened now, since it has no name afterwards; overwritten only when the new one stays, come what may.
  const absl::StatusOr<std::optional<Fd>> former = OpenToOverwrite(file_, 0);
  if (!former.ok()) return former.status();
  if (absl::Status written = Write(file_, *after); !written.ok()) return written;
  tree_.store(std::move(after), std::memory_order_release);
  return former->has_value() ? Overwrite((*former)->get(), file_) : absl::OkStatus();
}

absl::Status KeyTreeFile::DestroyLeaves(std::span<const uint64_t> indices) {
  return Destroy([indices](const PuncturedTree& tree) -> std::optional<PuncturedTree> {
    const auto is_there = [&tree](uint64_t index) { return LeafKey::Of(tree, index).has_value(); };
    if (std::none_of(indices.begin(), indices.end(), is_there)) return std::nullopt;
    return tree.Without(indices);
  });
}

Sha256Digest KeyTreeFile::Digest() const {
  std::string bytes = tree()->Encode();
  const Sha256Digest digest = Sha256(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return digest;
}

}  // namespace coalition
