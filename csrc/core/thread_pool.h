// The team of threads that runs one parallel region at a time.
//
// What a region computes never depends on the number of threads: callers cut work into tasks by
// shape alone, and the tasks are dealt out to whoever is free.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

namespace fastnn {

// How many threads a region started by the calling thread may use.
int thread_count();

// For the process (1 to kMaxThreads); and for the calling thread only (0: back to the process's).
void set_process_threads(int threads);
void set_local_threads(int threads);
int process_threads();
int local_threads();           // 0 when the calling thread has no number of its own
const char* threads_origin();  // "FASTNN_NUM_THREADS", "affinity and cgroup", "set_num_threads"...

// Reads the process's number from the environment, at import; returns a warning for the user, or
// "". Throws Error for a bad FASTNN_NUM_THREADS.
std::string read_thread_setting();

using TaskBody = void (*)(void* context, int64_t task);
using TeamBody = void (*)(void* context, int worker, int workers);

// Calls body(context, task) for every task in [0, tasks), on as many threads as are free. A body
// never throws. Runs on the calling thread alone when the team is busy or `tasks` is 1. Of short
// tasks, of few microseconds each, the caller does some before it wakes a thread that sleeps.
void run_tasks(int64_t tasks, TaskBody body, void* context, bool are_short = false);

// Calls body(context, worker, workers) once on each of `workers` <= thread_count() threads at the
// same time, so that bodies may meet at barriers. Runs body(context, 0, 1) when the team is busy.
void run_team(int workers, TeamBody body, void* context);

template <class Body>
void parallel_for(int64_t tasks, Body&& body, bool are_short = false) {
  using Plain = typename std::remove_reference<Body>::type;
  run_tasks(
      tasks, [](void* context, int64_t task) { (*static_cast<Plain*>(context))(task); }, &body,
      are_short);
}

}  // namespace fastnn
