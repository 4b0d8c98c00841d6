// Ceilings for benchmarks, measured when they are asked for.

#include <chrono>
#include <vector>

#include "bindings/tensor.h"
#include "core/kernel_table.h"
#include "core/thread_pool.h"

namespace fastnn {
namespace {

using Clock = std::chrono::steady_clock;

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
          shared->done[worker] = kernels().probe.fma_chain_f32(200000, &shared->sink[worker]);
        },
        &work);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    double operations = 0;
    for (int64_t done : work.done) operations += static_cast<double>(done);
    if (operations / seconds > best) best = operations / seconds;
  }
  return best;
}

}  // namespace

void register_probe(pybind11::module_& module) {
  module.def("fma_ceiling", fma_ceiling, pybind11::arg("rounds") = 5,
             "Float32 operations a second that fused multiply-adds reach on all threads.");
}

}  // namespace fastnn
