// The file of a backup: every live key of a store at one revision, encrypted to a key that is kept elsewhere.
//
//   "coalition-backup/v1\n"        20 bytes
//   the recipient's public key     32: X25519
//   the file's own public key      32: X25519, made for this file, its private half forgotten
//   SHA-256 of the 84 bytes above  32
//   chunks                         each of 65,536 bytes of plaintext and 16 of tag; the last one of 1 to
//   65,536
//
// Chunks are encrypted with AES-256-GCM under 35 bytes of HKDF-SHA-256 (RFC 5869): the input is the shared
// secret of the file's key and the recipient's (RFC 7748), the salt the first 84 bytes, the info
// "coalition-backup/v1 chunks". 32 are the key; 3 begin each nonce, which goes on with the chunk's number
// from 0 (8 bytes) and one byte, 1 for the last chunk and else 0. So a chunk that is changed, left out,
// added, moved or of another file does not open, and a file that was cut off has no last one.
//
// The plaintext is a series of frames: type (1 byte), length of what follows (4), and
//
//   'M'  storage.v1.BackupMeta, once, first
//   'R'  a row: length of the key (4), the revision that wrote it (8), key, value; ascending by key
//   'E'  storage.v1.BackupEnd, once, last: how many rows, and SHA-256 of all frames before it
//
// Integers are big-endian. The server's keys (key_dir) are not in it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/x25519.h"

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX

namespace coalition::backup {

inline constexpr std::string_view kFileMagic = "coalition-backup/v1\n";
// Of every version.
inline constexpr std::string_view kFileMagicBegin = "coalition-backup/v";
inline constexpr size_t kHeaderBytes = 116;
inline constexpr size_t kChunkBytes = size_t{64} << 10;
inline constexpr size_t kTagBytes = 16;
inline constexpr size_t kSealedChunkBytes = kChunkBytes + kTagBytes;

inline constexpr char kMetaFrame = 'M';
inline constexpr char kRowFrame = 'R';
inline constexpr char kEndFrame = 'E';
inline constexpr size_t kFrameHeadBytes = 5;
inline constexpr size_t kRowHeadBytes = 12;

struct FileHeader {
  X25519PublicKey recipient{};
  X25519PublicKey ephemeral{};
};
std::string EncodeHeader(const FileHeader& header);
// `bytes`: kHeaderBytes, or all of a file that has fewer. INVALID_ARGUMENT: no backup, or of another version.
// DATA_LOSS: damaged, or cut off.
absl::StatusOr<FileHeader> DecodeHeader(std::string_view bytes);

// Seals or opens a file's chunks, in their order. Not thread-safe.
class ChunkCipher {
 public:
  // `key`: the private half of one of the header's keys. INVALID_ARGUMENT: of X25519Key::SharedSecret.
  // INTERNAL: OpenSSL can't encrypt.
  static absl::StatusOr<std::unique_ptr<ChunkCipher>> Make(const FileHeader& header, const X25519Key& key);
  ~ChunkCipher();
  ChunkCipher(const ChunkCipher&) = delete;
  ChunkCipher& operator=(const ChunkCipher&) = delete;

  // Appends the next chunk. INTERNAL: OpenSSL can't encrypt.
  absl::Status Seal(std::string_view plaintext, bool last, std::string* to);
  // Appends what the next chunk holds. False: it is not that chunk of that file, and nothing is appended.
  bool Open(std::string_view sealed, bool last, std::string* to);

 private:
  static constexpr size_t kNonceBytes = 12;
  static constexpr size_t kNoncePrefixBytes = 3;

  ChunkCipher(evp_cipher_ctx_st* cipher, std::string_view nonce_prefix);
  std::array<uint8_t, kNonceBytes> NextNonce(bool last);

  evp_cipher_ctx_st* const cipher_;  // has the key
  std::array<uint8_t, kNoncePrefixBytes> nonce_prefix_;
  uint64_t chunks_ = 0;
};

}  // namespace coalition::backup
