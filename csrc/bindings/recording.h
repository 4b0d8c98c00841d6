// What the bindings tell a recording that runs on this thread.
#pragma once

#include <pybind11/cast.h>

#include "core/recording.h"

namespace fastnn {

// Values become visible to Python: what Python makes of them cannot be recorded.
inline void note_host_read(const char* what) {
  if (Recording* recording = current_recording())
    recording->refuse(std::string(what) + " reads values that the step computes with");
}

// Remembers the line of the user's program that is running.
void note_line(Recording& recording);

}  // namespace fastnn
