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

template <class Body>
static double median_ns(int repetitions, int inner, Body body) {
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    const auto start = Clock::now();
    for (int j = 0; j < inner; ++j) body();
    times.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count() / inner);
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

int main(int argc, char** argv) {
  fastnn::set_process_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const int threads = fastnn::thread_count();
  const auto region = [&] { fastnn::parallel_for(threads, [](int64_t) {}); };
  const auto team = [&] { fastnn::run_team(threads, [](void*, int, int) {}, nullptr); };
  const auto asleep = [](auto body) {
    return [body] {
      usleep(300);
      const auto start = Clock::now();
      body();
      return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    };
  };
  std::printf("run_tasks, workers spinning   %8.0f ns\n", median_ns(200, 100, region));
  std::printf("run_team, workers spinning    %8.0f ns\n", median_ns(200, 100, team));
  std::vector<double> tasks, teams;
  for (int i = 0; i < 200; ++i) {
    tasks.push_back(asleep(region)());
    teams.push_back(asleep(team)());
  }
  std::sort(tasks.begin(), tasks.end());
  std::sort(teams.begin(), teams.end());
  std::printf("run_tasks, workers asleep     %8.0f ns\n", tasks[100]);
  std::printf("run_team, workers asleep      %8.0f ns\n", teams[100]);
  std::printf("allocate_block + release      %8.1f ns\n",
              median_ns(200, 1000, [] { fastnn::release(fastnn::allocate_block(4000)); }));
  return 0;
}
