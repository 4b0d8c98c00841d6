// The hint that this thread is spinning.
#pragma once

namespace fastnn {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");  // what `yield` should do; as in Rust's and MySQL's spin loops
#endif
}

}  // namespace fastnn
