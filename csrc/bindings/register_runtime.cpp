// How many threads, how much memory, which instruction set: what fastnn/runtime.py shows.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "core/caches.h"
#include "core/config.h"
#include "core/cpu_features.h"
#include "core/memory_pool.h"
#include "core/primitive.h"
#include "core/targets.h"
#include "core/thread_pool.h"

namespace py = pybind11;

namespace fastnn {
namespace {

std::string compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown";
#endif
}

py::dict targets() {
  py::list built, available;
  for (const TargetInfo& target : built_targets()) {
    built.append(target.name);
    if (target.available) available.append(target.name);
  }
  py::dict result;
  result["built"] = py::tuple(built);
  result["available"] = py::tuple(available);
  result["chosen"] = chosen_target();
  result["why"] = target_reason();
  return result;
}

py::dict features() {
  const CpuFeatures& cpu = cpu_features();
  py::dict result;
  result["name"] = cpu.name;
  result["avx2"] = cpu.avx2;
  result["fma"] = cpu.fma;
  result["f16c"] = cpu.f16c;
  result["avx512f"] = cpu.avx512f;
  result["avx512bw"] = cpu.avx512bw;
  result["avx512dq"] = cpu.avx512dq;
  result["avx512vl"] = cpu.avx512vl;
  result["neon"] = cpu.neon;
  return result;
}

py::dict cache_sizes() {
  const CacheSizes& sizes = caches();
  py::dict result;
  result["l1"] = sizes.l1;
  result["l2"] = sizes.l2;
  result["l3"] = sizes.l3;
  result["origin"] = sizes.origin;
  return result;
}

py::dict memory() {
  const MemoryStats stats = memory_stats();
  py::dict result;
  result["in_use_bytes"] = stats.in_use_bytes;
  result["cached_bytes"] = stats.cached_bytes;
  result["peak_bytes"] = stats.peak_bytes;
  result["limit_bytes"] = stats.limit_bytes;
  result["system_requests"] = stats.system_requests;
  result["pool_requests"] = stats.pool_requests;
  return result;
}

// A number of threads from Python, in range.
int thread_number(const char* function, const py::object& value) {
  if (PyBool_Check(value.ptr()) || !PyIndex_Check(value.ptr()))
    throw py::type_error(std::string(function) + ": n must be an integer, got " +
                         Py_TYPE(value.ptr())->tp_name);
  const Py_ssize_t number = PyNumber_AsSsize_t(value.ptr(), nullptr);  // clipped to its range
  if (number == -1 && PyErr_Occurred()) throw py::error_already_set();
  if (number < 1 || number > kMaxThreads)
    throw py::value_error(std::string(function) + ": n must be from 1 to " +
                          std::to_string(kMaxThreads) + ", got " + std::string(py::str(value)));
  return static_cast<int>(number);
}

// What the environment says is read now, so that a mistake in it is an error at import.
void read_environment() {
  try {
    caches();
    const std::string warning = read_thread_setting();
    if (!warning.empty() && PyErr_WarnEx(PyExc_RuntimeWarning, warning.c_str(), 1) != 0)
      throw py::error_already_set();
  } catch (const Error& error) {
    throw py::import_error(error.what());
  }
}

}  // namespace

void register_runtime(py::handle scope) {
  auto m = py::reinterpret_borrow<py::module_>(scope);
  read_environment();
  m.attr("__version__") = FASTNN_VERSION;
  m.def("set_num_threads",
        [](const py::object& n) { set_process_threads(thread_number("set_num_threads", n)); });
  m.def("get_num_threads", thread_count);
  // None: the calling thread has no number of its own.
  m.def("set_local_threads", [](const py::object& n) {
    set_local_threads(n.is_none() ? 0 : thread_number("num_threads", n));
  });
  m.def("get_local_threads", []() -> py::object {
    return local_threads() == 0 ? py::object(py::none()) : py::int_(local_threads());
  });
  m.def("threads_origin", threads_origin);
  m.def("usable_processors", usable_processors, py::arg("root") = "");
  m.def("cgroup_processors", cgroup_processors, py::arg("root") = "");
  m.def("memory_stats", memory);
  m.def("release_memory", release_cached_memory);
  m.def("targets", targets);
  m.def("cpu_features", features);
  m.def("caches", cache_sizes);
  m.def("compiler", compiler);
#if defined(__SANITIZE_ADDRESS__)
  // A planted mistake: tools/sanitize.sh shows that the sanitizer would find one.
  m.def("write_past_end", [](size_t bytes) {
    Block* block = allocate_block(bytes);
    block->data[bytes] = 1;
    release(block);
  });
#endif
}

}  // namespace fastnn
