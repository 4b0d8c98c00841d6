// A mutex that knows whether the calling thread holds it.
#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <thread>

namespace fastnn {

class OwnedMutex {
 public:
  void lock() {
    mutex_.lock();
    owner_ = std::this_thread::get_id();
  }
  bool try_lock() {
    if (!mutex_.try_lock()) return false;
    owner_ = std::this_thread::get_id();
    return true;
  }
  void unlock() {
    owner_ = std::thread::id();
    mutex_.unlock();
  }
  bool is_mine() const { return owner_ == std::this_thread::get_id(); }

  // In a forked child, which has one thread: whoever else held it is not there to unlock it.
  void forget_other_threads() {
    if (is_mine()) return;
    new (&mutex_) std::mutex;
    owner_ = std::thread::id();
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> owner_{std::thread::id()};
};

}  // namespace fastnn
