// Letting go of the interpreter's lock while kernels run.
#pragma once

#include <Python.h>

#if defined(__GLIBC__)
#include <cxxabi.h>
#include <unistd.h>
#endif

namespace fastnn {

// Unlike pybind11's gil_scoped_release, lives through the end of the interpreter: a daemon thread
// that asks for the lock then is ended by CPython before 3.14 with pthread_exit, whose unwinding
// may not leave a destructor and would abort the process. Such a thread waits here for the end of
// the process, as CPython 3.14 lets it do by itself.
class ReleasedGil {
 public:
  ReleasedGil() : state_(PyEval_SaveThread()) {}
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;
  ~ReleasedGil() {
#if defined(__GLIBC__)
    try {
      PyEval_RestoreThread(state_);
    } catch (abi::__forced_unwind&) {
      for (;;) ::pause();
    }
#else
    PyEval_RestoreThread(state_);
#endif
  }

 private:
  PyThreadState* state_;
};

}  // namespace fastnn
