// Letting go of the interpreter's lock while kernels run.
#pragma once

#include <Python.h>

#if defined(__GLIBC__)
#include <cxxabi.h>
#include <unistd.h>
#endif

namespace fastnn {

// Runs what may ask for the interpreter's lock, through the end of the interpreter: a daemon thread
// that asks for it then is ended by CPython before 3.14 with pthread_exit, whose unwinding would
// run destructors that need the lock and leave others that it may not leave. Such a thread waits
// here for the end of the process, as CPython 3.14 lets it do by itself.
template <class Function>
auto outlive_python(Function function) {
#if defined(__GLIBC__)
  try {
    return function();
  } catch (abi::__forced_unwind&) {
    for (;;) ::pause();
  }
#else
  return function();
#endif
}

// Unlike pybind11's gil_scoped_release, lives through the end of the interpreter.
class ReleasedGil {
 public:
  ReleasedGil() : state_(PyEval_SaveThread()) {}
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;
  ~ReleasedGil() {
    outlive_python([this] { PyEval_RestoreThread(state_); });
  }

 private:
  PyThreadState* state_;
};

}  // namespace fastnn
