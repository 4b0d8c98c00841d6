// The table of the ways through a matrix product, for tests and for those who wonder.

#include <pybind11/pybind11.h>

#include <iterator>

#include "bindings/tensor.h"
#include "ops/gemm_paths.h"

namespace fastnn {
namespace {

// The table of paths: name, then the limits of what fits (0: none).
pybind11::list gemm_path_table() {
  static const char* const kLayouts[] = {"any", "readable", "low", "apart", "across", "dot-like"};
  static_assert(std::size(kLayouts) == GemmPath::dot_like + 1);
  pybind11::list rows;
  const GemmPaths paths = gemm_paths();
  for (int64_t i = 0; i < paths.count; ++i) {
    const GemmPath& path = paths.begin[i];
    rows.append(pybind11::dict(
        pybind11::arg("name") = path.name, pybind11::arg("most_m") = path.most_m,
        pybind11::arg("most_n") = path.most_n, pybind11::arg("most_k") = path.most_k,
        pybind11::arg("most_results") = path.most_results, pybind11::arg("least_k") = path.least_k,
        pybind11::arg("layout") = kLayouts[path.layout]));
  }
  return rows;
}

// The path of a product of float32 matrices that are stored without gaps.
const char* gemm_path_name(int64_t m, int64_t n, int64_t k, bool trans_a, bool trans_b) {
  GemmProblem g;
  g.m = m;
  g.n = n;
  g.k = k;
  g.a_row = trans_a ? 1 : k;
  g.a_k = trans_a ? m : 1;
  g.b_k = trans_b ? 1 : n;
  g.b_column = trans_b ? k : 1;
  return gemm_path(g).name;
}

}  // namespace

void register_gemm_paths(pybind11::handle scope) {
  auto module = pybind11::reinterpret_borrow<pybind11::module_>(scope);
  module.def("gemm_paths", gemm_path_table,
             "The ways through a matrix product, in order: the first that fits is taken.");
  module.def("gemm_path", gemm_path_name, pybind11::arg("m"), pybind11::arg("n"),
             pybind11::arg("k"), pybind11::arg("trans_a") = false, pybind11::arg("trans_b") = false,
             "The name of the way that a product takes.");
}

}  // namespace fastnn
