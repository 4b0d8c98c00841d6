// Which processor a thread runs on, and keeping another thread off it.
#pragma once

#include <pthread.h>
#include <sched.h>

namespace fastnn {

#if defined(__linux__)

inline int current_cpu() { return sched_getcpu(); }

// Lets `thread` run where the calling thread may, except on `cpu`; unless nothing would be left.
inline void keep_off(pthread_t thread, int cpu) {
  cpu_set_t allowed;
  if (pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed) != 0) return;
  if (cpu < 0 || cpu >= CPU_SETSIZE || CPU_COUNT(&allowed) < 2) return;
  CPU_CLR(cpu, &allowed);
  pthread_setaffinity_np(thread, sizeof allowed, &allowed);
}

#else  // the system gives no say

inline int current_cpu() { return -1; }
inline void keep_off(pthread_t, int) {}

#endif

}  // namespace fastnn
