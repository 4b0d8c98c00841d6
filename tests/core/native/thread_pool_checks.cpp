// `thread_pool_checks NAME` runs one check and exits with 0 when it holds.
#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "core/processor.h"
#include "core/thread_pool.h"

namespace {

void work_for(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// Every task ran once, and all its writes are visible.
bool region_is_right(int64_t tasks) {
  std::vector<int64_t> runs(tasks);
  fastnn::parallel_for(tasks, [&](int64_t task) { runs[task] += task + 1; });
  for (int64_t task = 0; task < tasks; ++task)
    if (runs[task] != task + 1) return false;
  return true;
}

// All workers of a team are there at the same time.
int team_size(int workers) {
  std::atomic<int> arrived{0};
  std::atomic<int> size{0};
  auto body = [&](int worker, int all) {
    if (worker == 0) size = all;
    ++arrived;
    while (arrived < all) std::this_thread::yield();
  };
  fastnn::run_team(
      workers,
      [](void* context, int worker, int all) {
        (*static_cast<decltype(body)*>(context))(worker, all);
      },
      &body);
  return arrived == size ? size.load() : -1;
}

void every_task_once() {
  for (const int threads : {1, 2, 3, 8, 64}) {
    fastnn::set_process_threads(threads);
    for (int repeat = 0; repeat < 50; ++repeat)
      for (const int64_t tasks : {0, 1, 2, 3, 7, 100}) CHECK(region_is_right(tasks));
    usleep(200);  // now from sleep
    CHECK(region_is_right(1000));
  }
}

// Short tasks, each once; and a sleeping worker helps with many of them.
void short_tasks() {
  fastnn::set_process_threads(3);
  const auto threads_of = [](int64_t tasks, std::chrono::nanoseconds each) {
    std::vector<int64_t> runs(tasks);
    std::vector<std::thread::id> who(tasks);
    usleep(2000);  // the workers sleep
    auto body = [&](int64_t task) {
      ++runs[task];
      who[task] = std::this_thread::get_id();
      work_for(each);
    };
    fastnn::parallel_for(tasks, body, true);
    for (const int64_t count : runs) CHECK(count == 1);
    return std::set<std::thread::id>(who.begin(), who.end()).size();
  };
  CHECK(region_is_right(100));  // workers exist
  size_t most = 0;
  for (int repeat = 0; repeat < 20; ++repeat)
    most = std::max(most, threads_of(400, std::chrono::microseconds(20)));
  CHECK(most > 1);
  for (int repeat = 0; repeat < 200; ++repeat) threads_of(repeat % 9, std::chrono::microseconds(9));
}

void whole_team() {
  for (const int threads : {1, 2, 5, 16}) {
    fastnn::set_process_threads(threads);
    for (int repeat = 0; repeat < 20; ++repeat) CHECK(team_size(threads) == threads);
    CHECK(team_size(1000) == threads);
    CHECK(team_size(1) == 1);
  }
}

void local_number() {
  fastnn::set_process_threads(4);
  fastnn::set_local_threads(2);
  CHECK(fastnn::thread_count() == 2 && team_size(8) == 2);
  std::thread([] { CHECK(fastnn::thread_count() == 4 && team_size(8) == 4); }).join();
  fastnn::set_local_threads(0);
  CHECK(fastnn::thread_count() == 4);
}

// All threads round and flush as the caller does at that time.
void float_mode_of_caller() {
  fastnn::set_process_threads(4);
  const uint64_t normal = fastnn::float_mode();
  for (const int direction : {FE_UPWARD, FE_TONEAREST, FE_DOWNWARD}) {
    std::fesetround(direction);
    const uint64_t mode = fastnn::float_mode();
    std::atomic<int> same{0};
    fastnn::parallel_for(4, [&](int64_t) {
      work_for(std::chrono::microseconds(200));
      same += fastnn::float_mode() == mode;
    });
    CHECK(same == 4);
  }
  std::fesetround(FE_TONEAREST);
  CHECK(fastnn::float_mode() == normal);
}

// A region inside a region, and regions of several threads: the team is busy, they run alone.
void busy_team() {
  fastnn::set_process_threads(3);
  std::atomic<int> right{0};
  fastnn::parallel_for(20, [&](int64_t) { right += region_is_right(10) && team_size(3) == 1; });
  CHECK(right == 20);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 500; ++repeat) wrong += !region_is_right(repeat % 20);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

bool all_works() { return region_is_right(100) && team_size(3) == 3; }

void fork_after_use() {
  fastnn::set_process_threads(3);
  CHECK(team_size(3) == 3);
  check_fork(all_works, all_works);
}

void fork_before_use() {
  fastnn::set_process_threads(3);
  check_fork(all_works, all_works);
}

void fork_amid_work() {
  fastnn::set_process_threads(3);
  std::atomic<bool> stop{false};
  std::atomic<int64_t> rounds{0};
  std::thread other([&] {
    while (!stop) {
      fastnn::parallel_for(30, [](int64_t) { work_for(std::chrono::microseconds(50)); });
      ++rounds;
    }
  });
  while (rounds == 0) std::this_thread::yield();
  check_fork(all_works, [] { return region_is_right(100); });  // here the other thread has the team
  const int64_t before = rounds;
  usleep(50'000);
  CHECK(rounds > before);  // the other thread goes on
  stop = true;
  other.join();
  CHECK(team_size(3) == 3);
}

// The processor time that workers burn once there is nothing to do: 50 microseconds each, and
// what it costs to fall asleep.
void quiet_when_idle() {
  fastnn::set_process_threads(4);
  CHECK(team_size(4) == 4);
  const auto burnt = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
  };
  double spent = 0;
  constexpr int kRepeats = 20;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    team_size(4);
    const double before = burnt();
    usleep(10'000);
    spent += burnt() - before;
  }
  std::printf("%.0f us after a region of 4 threads\n", spent / kRepeats);
  CHECK(spent / kRepeats < 500);
}

}  // namespace

int main(int argc, char** argv) {
  return run_checks(argc, argv,
                    {{"every_task_once", every_task_once},
                     {"short_tasks", short_tasks},
                     {"whole_team", whole_team},
                     {"local_number", local_number},
                     {"busy_team", busy_team},
                     {"float_mode_of_caller", float_mode_of_caller},
                     {"fork_after_use", fork_after_use},
                     {"fork_before_use", fork_before_use},
                     {"fork_amid_work", fork_amid_work},
                     {"quiet_when_idle", quiet_when_idle}});
}
