// Prints what a region and a block cost: `latency [threads]`.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <unistd.h>

#include "core/memory_pool.h"
#include "core/thread_pool.h"

using Clock = std::chrono::steady_clock;

static double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

template <class Body>
static double nanoseconds(int repetitions, Body body) {
  const auto start = Clock::now();
  for (int i = 0; i < repetitions; ++i) body();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / repetitions;
}

template <class Body>
static double median_ns(int samples, int repetitions, Body body) {
  std::vector<double> times;
  for (int i = 0; i < samples; ++i) times.push_back(nanoseconds(repetitions, body));
  return median(times);
}

template <class Body>
static double median_asleep_ns(Body body) {
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    usleep(300);  // by now the workers sleep
    times.push_back(nanoseconds(1, body));
  }
  return median(times);
}

int main(int argc, char** argv) {
  fastnn::set_process_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const int threads = fastnn::thread_count();
  const auto region = [&] { fastnn::parallel_for(threads, [](int64_t) {}); };
  const auto team = [&] { fastnn::run_team(threads, [](void*, int, int) {}, nullptr); };
  std::printf("run_tasks, workers spinning   %8.0f ns\n", median_ns(200, 100, region));
  std::printf("run_team, workers spinning    %8.0f ns\n", median_ns(200, 100, team));
  std::printf("run_tasks, workers asleep     %8.0f ns\n", median_asleep_ns(region));
  std::printf("run_team, workers asleep      %8.0f ns\n", median_asleep_ns(team));
  const auto work = [] {  // 20 microseconds on one thread
    fastnn::parallel_for(20, [](int64_t) {
      const auto end = Clock::now() + std::chrono::microseconds(1);
      while (Clock::now() < end) {
      }
    });
  };
  std::printf("20 tasks of 1 us, spinning    %8.0f ns\n", median_ns(200, 10, work));
  std::printf("20 tasks of 1 us, asleep      %8.0f ns\n", median_asleep_ns(work));
  std::printf("allocate_block + release      %8.1f ns\n",
              median_ns(200, 1000, [] { fastnn::release(fastnn::allocate_block(4000)); }));
  return 0;
}
