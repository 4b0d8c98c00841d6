#include "core/plan_forks.h"

#include <pthread.h>

#include <mutex>
#include <set>

#include "core/plan.h"

namespace fastnn {
namespace {

std::set<Plan*>& plans() {
  static auto* all = new std::set<Plan*>();  // leaked: plans end at any time, also at exit
  return *all;
}

std::mutex mutex;
// A child has one thread: nobody else may hold the lock when it is made.
[[maybe_unused]] const int fork_handlers =
    pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); },
                   [] {
                     for (Plan* plan : plans()) plan->forget_other_threads();
                     mutex.unlock();
                   });

}  // namespace

void mend_in_forks(Plan& plan) {
  const std::lock_guard<std::mutex> lock(mutex);
  plans().insert(&plan);
}

void leave_to_forks(Plan& plan) {
  const std::lock_guard<std::mutex> lock(mutex);
  plans().erase(&plan);
}

}  // namespace fastnn
