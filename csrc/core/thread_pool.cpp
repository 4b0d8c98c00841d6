// One mailbox a worker, one word each, says all: who works, who may be called off, who sleeps.
//
//   idle -> posted     the caller has work for this worker
//   posted -> claimed  the worker takes it; posted -> idle: the caller finished without it
//   claimed -> idle    the worker is through; claimed -> awaited -> idle: and the caller slept
//   idle -> asleep     nothing came for a while; asleep -> posted: the caller wakes it
//
// So a caller never waits for a worker that was slow to wake: it withdraws the post and goes on.
// And of short tasks it does some alone before it wakes anyone: a wake-up costs more than they do.
#include "core/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <ctime>
#include <new>
#include <string>

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "core/config.h"
#include "core/futex.h"
#include "core/placement.h"
#include "core/processor.h"

namespace fastnn {
namespace {

constexpr int64_t kSpinNanoseconds = 50'000;
constexpr int64_t kWakingNanoseconds = 60'000;  // what must be left for a sleeper to be of help
constexpr size_t kStackBytes = size_t{1} << 20;

enum Mail : uint32_t { kIdle, kPosted, kClaimed, kAwaited, kAsleep };

int64_t nanoseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec;
}

// Spins until `done()`, or for so long; returns whether it was done.
template <class Done>
bool spin(int64_t limit, Done done) {
  for (const int64_t end = nanoseconds() + limit;;) {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause();
    }
    if (nanoseconds() >= end) return false;
    sched_yield();
  }
}

struct Team;

struct alignas(64) Worker {
  std::atomic<uint32_t> mail{kIdle};
  int index = 0;     // 1 for the first: 0 is the caller
  int off_cpu = -1;  // the processor that it is kept off
  pthread_t thread{};
  Team* team = nullptr;

  // A sleeper often wakes on the processor of the one who wakes it, and then waits for that one
  // while others are idle: so it is kept off there.
  void post(int callers_cpu) {
    if (off_cpu != callers_cpu && mail.load(std::memory_order_relaxed) == kAsleep)
      keep_off(thread, off_cpu = callers_cpu);
    if (mail.exchange(kPosted, std::memory_order_acq_rel) == kAsleep) wake(mail);
  }

  bool sleeps() const { return mail.load(std::memory_order_relaxed) == kAsleep; }

  bool withdraw() {
    uint32_t posted = kPosted;
    return mail.compare_exchange_strong(posted, kIdle, std::memory_order_acq_rel);
  }

  // Until the worker is through with what was posted.
  void await() {
    if (spin(kSpinNanoseconds, [&] { return !pending(mail.load(std::memory_order_acquire)); }))
      return;
    for (;;) {
      uint32_t seen = mail.load(std::memory_order_acquire);
      if (!pending(seen)) return;
      if (seen == kPosted)  // still waking up: it will claim the post soon
        spin(kSpinNanoseconds, [&] { return mail.load(std::memory_order_acquire) != kPosted; });
      else if (seen == kAwaited ||
               mail.compare_exchange_strong(seen, kAwaited, std::memory_order_acq_rel))
        sleep_while(mail, kAwaited);
    }
  }

  static bool pending(uint32_t seen) { return seen != kIdle && seen != kAsleep; }

  // Until a post is claimed.
  void receive() {
    for (;;) {
      const bool posted =
          spin(kSpinNanoseconds, [&] { return mail.load(std::memory_order_relaxed) == kPosted; });
      uint32_t idle = kIdle;
      if (!posted && mail.compare_exchange_strong(idle, kAsleep, std::memory_order_acq_rel))
        while (mail.load(std::memory_order_relaxed) == kAsleep) sleep_while(mail, kAsleep);
      uint32_t expected = kPosted;
      if (mail.compare_exchange_strong(expected, kClaimed, std::memory_order_acq_rel)) return;
    }
  }

  void finish() {
    if (mail.exchange(kIdle, std::memory_order_acq_rel) == kAwaited) wake(mail);
  }
};

struct Team {
  alignas(64) std::atomic<bool> busy{false};

  // The region that runs. Written by the caller before it posts.
  TaskBody task_body = nullptr;
  TeamBody team_body = nullptr;
  void* context = nullptr;
  int size = 1;
  uint64_t float_mode = 0;  // the caller's, for all: bits must not depend on who does a task

  // Each thread has a share of the tasks, side by side, and goes on with those of others when it is
  // through: so the same memory is likely to meet the same thread, and its cache, again.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  Share shares[kMaxThreads];

  int hired = 0;  // workers that exist
  Worker workers[kMaxThreads - 1];

  bool enter() {
    return !busy.load(std::memory_order_relaxed) && !busy.exchange(true, std::memory_order_acquire);
  }
  void leave() { busy.store(false, std::memory_order_release); }

  // To all helpers, or to those who do not sleep; returns whether all have it.
  bool post(int helpers, bool sleepers_too) {
    float_mode = fastnn::float_mode();
    const int cpu = current_cpu();
    bool all = true;
    for (int i = 0; i < helpers; ++i)
      if (sleepers_too || !workers[i].sleeps())
        workers[i].post(cpu);
      else
        all = false;
    return all;
  }

  void work(int index) {
    if (team_body) return team_body(context, index, size);
    work_until(index, [] { return false; });
  }

  // Tasks, the own ones first, until there are none or `stop()`; returns whether it was that.
  template <class Stop>
  bool work_until(int index, Stop stop) {
    for (int i = 0; i < size; ++i) {
      Share& share = shares[(index + i) % size];
      while (share.next.load(std::memory_order_relaxed) < share.end) {
        const int64_t task = share.next.fetch_add(1, std::memory_order_relaxed);
        if (task >= share.end) break;
        task_body(context, task);
        if (stop()) return true;
      }
    }
    return false;
  }

  // Tasks while what is left is not worth a wake-up, by the time that these took; then wakes.
  void work_before_waking(int64_t tasks, int helpers) {
    const int64_t start = nanoseconds();
    int64_t done = 0;
    const auto worth_it = [&] {
      ++done;
      return (nanoseconds() - start) * (tasks - done) > kWakingNanoseconds * done;
    };
    if (!work_until(0, worth_it)) return;
    const int cpu = current_cpu();
    for (int i = 0; i < helpers; ++i)
      if (workers[i].sleeps()) workers[i].post(cpu);
  }

  // Once a region is over, no worker has it.
  void recall(int helpers) {
    for (int i = 0; i < helpers; ++i)
      if (!workers[i].withdraw()) workers[i].await();
  }

  void deal(int64_t tasks, int threads) {
    size = threads;
    for (int64_t i = 0; i < threads; ++i) {
      shares[i].next.store(i * tasks / threads, std::memory_order_relaxed);
      shares[i].end = (i + 1) * tasks / threads;
    }
  }

  // As many helpers as wanted, or as the system grants.
  int hire(int wanted);
};

void* worker_main(void* argument) {
  Worker& worker = *static_cast<Worker*>(argument);
  for (;;) {
    worker.receive();
    if (float_mode() != worker.team->float_mode) set_float_mode(worker.team->float_mode);
    worker.team->work(worker.index);
    worker.finish();
  }
}

int Team::hire(int wanted) {
  if (hired >= wanted) return wanted;
  // Signals are for the threads of the program.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  while (hired < wanted) {
    Worker& worker = workers[hired];
    worker.index = hired + 1;
    worker.team = this;
    if (pthread_create(&worker.thread, &attributes, worker_main, &worker) != 0) break;
    ++hired;
  }
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return hired;
}

// Leaked: workers outlive every destructor. A forked child has none of them, so it forgets the
// team, whatever that was doing, and hires another when it needs one.
std::atomic<Team*> the_team{nullptr};
[[maybe_unused]] const int fork_handler =
    pthread_atfork(nullptr, nullptr, [] { the_team.store(nullptr); });

// The team, entered; null when another region runs.
Team* enter_team() {
  Team* team = the_team.load(std::memory_order_acquire);
  if (!team) {
    Team* fresh = new (std::nothrow) Team;
    if (!fresh) return nullptr;
    if (the_team.compare_exchange_strong(team, fresh, std::memory_order_acq_rel))
      team = fresh;
    else
      delete fresh;
  }
  return team->enter() ? team : nullptr;
}

std::atomic<int> process_number{1};
std::atomic<const char*> number_origin{"not read yet"};
thread_local int local_number = 0;

}  // namespace

std::string read_thread_setting() {
  const ThreadSetting setting = find_thread_setting();
  number_origin = setting.origin;
  process_number = setting.threads;
  return setting.warning;
}

int process_threads() { return process_number.load(std::memory_order_relaxed); }

int thread_count() { return local_number > 0 ? local_number : process_threads(); }

void set_process_threads(int threads) {
  number_origin = "set_num_threads";
  process_number = threads;
}

void set_local_threads(int threads) { local_number = threads; }

int local_threads() { return local_number; }

const char* threads_origin() { return number_origin; }

void run_tasks(int64_t tasks, TaskBody body, void* context, bool are_short) {
  const int wanted = static_cast<int>(std::min<int64_t>(tasks, thread_count())) - 1;
  Team* team = wanted > 0 ? enter_team() : nullptr;
  if (!team) {
    for (int64_t task = 0; task < tasks; ++task) body(context, task);
    return;
  }
  team->task_body = body;
  team->team_body = nullptr;
  team->context = context;
  const int helpers = team->hire(wanted);
  team->deal(tasks, helpers + 1);
  if (!team->post(helpers, !are_short)) team->work_before_waking(tasks, helpers);
  team->work(0);
  team->recall(helpers);
  team->leave();
}

void run_team(int workers, TeamBody body, void* context) {
  const int wanted = std::min(workers, thread_count()) - 1;
  Team* team = wanted > 0 ? enter_team() : nullptr;
  if (!team) return body(context, 0, 1);
  const int helpers = team->hire(wanted);
  team->team_body = body;
  team->context = context;
  team->size = helpers + 1;
  team->post(helpers, true);
  team->work(0);
  for (int i = 0; i < helpers; ++i) team->workers[i].await();
  team->leave();
}

}  // namespace fastnn
