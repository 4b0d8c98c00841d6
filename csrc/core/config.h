// What the environment and the system say about how many threads to use.
#pragma once

#include <string>

namespace fastnn {

constexpr int kMaxThreads = 256;

struct ThreadSetting {
  int threads = 1;
  const char* origin = "";  // "FASTNN_NUM_THREADS", "OMP_NUM_THREADS" or "affinity and cgroup"
  std::string warning;      // for the user, about a value that was ignored; empty when all is well
};

// FASTNN_NUM_THREADS, else OMP_NUM_THREADS, else the processors that this process may use. Throws
// Error for a bad FASTNN_NUM_THREADS; the other variable is not ours, so a bad value is ignored.
ThreadSetting find_thread_setting();

// The processors in this process's affinity mask, cut to the whole processors of its cgroup quota.
// The files that tell the quota are looked up below `root`.
int usable_processors(const std::string& root = "");

// How many processors' time the control groups (v1 or v2) of this process allow; 0: no limit.
// Reads proc/self/{cgroup,mountinfo} and the mounts below `root`.
double cgroup_processors(const std::string& root = "");

}  // namespace fastnn
