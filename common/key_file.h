// The files of a signing key: the private one, and the one that is given to those who verify. Every function
// blocks on the disk and is thread-safe; errors of the disk are those of common/file.h.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ed25519.h"
#include "common/signed_note.h"

namespace coalition {

// FAILED_PRECONDITION: others than its owner may read or write the file, which holds `what`; says what to do.
absl::Status CheckPrivateFile(const std::string& path, std::string_view what = "a private key");

// Writes the private key as PEM (PKCS #8), mode 0600, into a file that must not be there yet: ALREADY_EXISTS.
absl::Status WriteKeyFile(const std::string& path, const Ed25519Key& key);
// FAILED_PRECONDITION: others than the file's owner may read or write it; says what to do. INVALID_ARGUMENT:
// it holds no Ed25519 key, or an encrypted one.
absl::StatusOr<Ed25519Key> ReadKeyFile(const std::string& path);

// Writes or replaces the text of VerifierKey and a newline, mode 0644.
absl::Status WriteVerifierKeyFile(const std::string& path, const VerifierKey& key);
// INVALID_ARGUMENT: the file is not one line with the text of a verifier key, with or without a newline.
absl::StatusOr<VerifierKey> ReadVerifierKeyFile(const std::string& path);

}  // namespace coalition
