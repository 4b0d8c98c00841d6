// Sleeping until a word changes.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <pthread.h>
#endif

namespace fastnn {

#if defined(__linux__)

// Sleeps while *word is `value`; may return early.
inline void sleep_while(std::atomic<uint32_t>& word, uint32_t value) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, value, nullptr);
}

// Wakes who sleeps on the word. Call after changing it.
inline void wake(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE_PRIVATE, 1);
}

#else

struct SleepLock {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
};
inline SleepLock sleep_lock;

inline void sleep_while(std::atomic<uint32_t>& word, uint32_t value) {
  pthread_mutex_lock(&sleep_lock.mutex);
  if (word.load() == value) pthread_cond_wait(&sleep_lock.changed, &sleep_lock.mutex);
  pthread_mutex_unlock(&sleep_lock.mutex);
}

inline void wake(std::atomic<uint32_t>&) {
  pthread_mutex_lock(&sleep_lock.mutex);
  pthread_cond_broadcast(&sleep_lock.changed);
  pthread_mutex_unlock(&sleep_lock.mutex);
}

#endif

}  // namespace fastnn
