// Ceilings for benchmarks, measured when they are asked for.

#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include <sched.h>

#include "bindings/tensor.h"
#include "core/kernel_table.h"
#include "core/processor.h"
#include "core/thread_pool.h"

namespace fastnn {
namespace {

using Clock = std::chrono::steady_clock;

// Milliseconds, beside which the waking of a worker is nothing.
constexpr int64_t kChainRounds = 1'500'000;

// Floating-point operations a second of fused multiply-adds on all threads, the best of `rounds`.
double fma_ceiling(int rounds) {
  struct Work {
    std::vector<int64_t> done;
    std::vector<float> sink;
  };
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    Work work{std::vector<int64_t>(thread_count()), std::vector<float>(thread_count())};
    const auto start = Clock::now();
    run_team(
        thread_count(),
        [](void* context, int worker, int) {
          auto* shared = static_cast<Work*>(context);
          shared->done[worker] = kernels().probe.fma_chain_f32(kChainRounds, &shared->sink[worker]);
        },
        &work);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    double operations = 0;
    for (int64_t done : work.done) operations += static_cast<double>(done);
    if (operations / seconds > best) best = operations / seconds;
  }
  return best;
}

// Seconds that a word takes from one thread to another and back, the best of `rounds`; 0 where
// there is no other. Two processors that have a cache in common need a tenth of a microsecond or
// less.
double round_trip(int rounds) {
  constexpr int kTrips = 2000, kSpins = 10'000;
  struct alignas(64) Word {
    std::atomic<int> trips{0};  // twice; odd on the way back
    double seconds = 0;

    void await(int count) const {
      for (int spins = 1; trips.load(std::memory_order_acquire) != count; ++spins)
        spins % kSpins ? pause() : static_cast<void>(sched_yield());
    }
  };
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    Word word;
    run_team(
        std::min(2, thread_count()),
        [](void* context, int worker, int workers) {
          auto* shared = static_cast<Word*>(context);
          if (workers == 1) return;
          shared->await(worker);  // until both are here
          const auto start = Clock::now();
          for (int trip = 0; trip < kTrips; ++trip) {
            shared->await(2 * trip + worker);
            shared->trips.store(2 * trip + worker + 1, std::memory_order_release);
          }
          if (worker == 1)
            shared->seconds = std::chrono::duration<double>(Clock::now() - start).count();
        },
        &word);
    const double seconds = word.seconds / kTrips;
    if (seconds > 0 && (best == 0 || seconds < best)) best = seconds;  // 0: the team was busy
  }
  return best;
}

std::vector<float*> floats_of(const pybind11::list& tensors, int64_t size) {
  std::vector<float*> pointers;
  for (const pybind11::handle tensor : tensors) {
    if (!is_tensor(tensor.ptr())) throw Error(ErrorKind::type, "stream: expected Tensors");
    const Array& array = as_tensor(tensor.ptr())->array;
    if (array.dtype != DType::float32 || array.size() != size)
      throw Error(ErrorKind::value, "stream: expected float32 Tensors of one size");
    pointers.push_back(array.as<float>());
  }
  return pointers;
}

// One pass over all elements on all threads, cut as element-wise work is.
void stream(const pybind11::list& read, const pybind11::list& updated,
            const pybind11::list& written) {
  constexpr int64_t kTask = 1 << 14;
  const pybind11::list all = pybind11::list(read + updated + written);
  if (all.empty()) throw Error(ErrorKind::value, "stream: expected at least one Tensor");
  const pybind11::object first = all[0];
  if (!is_tensor(first.ptr())) throw Error(ErrorKind::type, "stream: expected Tensors");
  const int64_t size = as_tensor(first.ptr())->array.size();
  const auto in = floats_of(read, size), inout = floats_of(updated, size),
             out = floats_of(written, size);
  const Streams streams{in.data(),
                        inout.data(),
                        out.data(),
                        static_cast<int>(in.size()),
                        static_cast<int>(inout.size()),
                        static_cast<int>(out.size())};
  parallel_for((size + kTask - 1) / kTask, [&](int64_t task) {
    const int64_t end = (task + 1) * kTask;
    kernels().probe.stream_f32(&streams, task * kTask, end < size ? end : size);
  });
}

}  // namespace

void register_probe(pybind11::handle scope) {
  auto module = pybind11::reinterpret_borrow<pybind11::module_>(scope);
  module.def("fma_ceiling", fma_ceiling, pybind11::arg("rounds") = 5,
             "Float32 operations a second that fused multiply-adds reach on all threads.");
  module.def("round_trip", round_trip, pybind11::arg("rounds") = 5,
             "Seconds that a word takes from one thread to another and back; 0 on one thread.");
  module.def("stream", stream, pybind11::arg("read"), pybind11::arg("updated"),
             pybind11::arg("written"),
             "Touches lists of float32 Tensors of one size with hardly any arithmetic: the ceiling "
             "of memory. Those updated and written lose their values.");
}

}  // namespace fastnn
