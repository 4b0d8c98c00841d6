// The compiled module: registers, and does nothing else.

#include <pybind11/pybind11.h>

#include "bindings/errors.h"
#include "bindings/hooks.h"
#include "bindings/tensor.h"
#include "core/targets.h"
#include "ops/all.h"

namespace py = pybind11;

PYBIND11_MODULE(_core, module) {
  using namespace fastnn;
  module.doc() = "Kernels, the Tensor and the tape of fastnn.";
  try {
    choose_target();
  } catch (const Error& error) {
    throw py::import_error(error.what());
  }
  // Of functions that pybind11 wraps: it knows no kinds of errors.
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error&) {
      set_python_error_from_current();
    }
  });
  register_all_primitives();
  register_tensor(module);
  register_tensor_numpy(module);
  register_tensor_number(module);
  register_tensor_reduce(module);
  register_tensor_matmul(module);
  register_dense(module);
  register_tensor_shape(module);
  register_hooks(module);
  register_node(module);
  register_backward(module);
  register_primitives(module);
  register_backends(module);
  register_devices(module);
  register_programs(module);
  register_plan(module);
  register_runtime(module);
  register_probe(module);
  register_gemm_paths(module);
}
