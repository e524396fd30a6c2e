// The directory where recordings are kept when no file is named: $REC_TRACE_DIR, else $XDG_DATA_HOME/rec,
// else
// ~/.local/share/rec.
//
//   python3-0.rec   python3-1.rec   make-0.rec   latest -> make-0.rec
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace rec {

// The directory's path; it need not be there. Throws Error when the environment names none.
[[nodiscard]] std::string trace_directory();

// Reserves a name for a recording of `program` (a path or a name) by creating an empty file of mode 0600, and
// makes `latest` point to it. The directory is made (mode 0700) if it is not there. Two recorders never get
// the same name. Returns the file's path. Throws Error.
[[nodiscard]] std::string new_recording(const std::string& program);

// The trace that a user means. Empty: the latest recording. With a slash in it, or naming a file of the
// working directory: that file. Otherwise a name in the trace directory, with or without its `.rec`. Throws
// Error, with advice, when there is no such trace.
[[nodiscard]] std::string resolve_trace(const std::string& name);

// Deletes the oldest recordings in the trace directory until `keep` are left. Those that are being written
// are neither counted nor touched. Throws Error when one cannot be deleted.
void remove_old_recordings(std::size_t keep);

// Paths of all recordings in the trace directory, in no particular order; none when it is not there.
[[nodiscard]] std::vector<std::string> all_recordings();

}  // namespace rec
