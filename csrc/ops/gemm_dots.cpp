// Products whose k lies along the vector in both operands: one row times columns that are stored
// as rows, or rows times one column. Each result is a dot product in an order of its own
// (core/summation_order.h).
#include "core/kernel_table.h"
#include "ops/gemm_paths.h"
#include "ops/strided.h"

namespace fastnn {
namespace {

// One row or column of results: those of `rows` with the one vector.
struct Dots {
  const char *vector, *rows;
  int64_t row, count;
};

Dots dots_of(const GemmProblem& g) {
  if (g.n == 1) return {g.b, g.a, g.a_row, g.m};
  return {g.a, g.b, g.b_column, g.n};
}

template <class T>
void finish(const GemmProblem& g, int64_t begin, int64_t end) {
  T* c = reinterpret_cast<T*>(g.c);
  const T *c0 = reinterpret_cast<const T*>(g.c0), *bias = reinterpret_cast<const T*>(g.bias),
          *residual = reinterpret_cast<const T*>(g.residual);
  for (int64_t i = begin; i < end; ++i) {
    T value = static_cast<T>(g.alpha) * c[i];
    if (g.beta != 0) value += static_cast<T>(g.beta) * c0[i];
    if (bias) value += bias[g.n == 1 ? 0 : i];
    if (residual) value += residual[i];
    c[i] = g.relu && value < 0 ? 0 : value;
  }
}

}  // namespace

bool is_dot_like(const GemmProblem& g) {
  return (g.m == 1 || g.n == 1) && g.k > 1 && g.a_k == 1 && g.b_k == 1;
}

void run_gemm_dots(const GemmProblem& g, int64_t, char*, int64_t) {
  const Dots dots = dots_of(g);
  const bool is_f32 = g.dtype == DType::float32;
  const GemmDotKernel kernel = is_f32 ? kernels().gemm.dot_f32 : kernels().gemm.dot_f64;
  const int64_t element = item_size(g.dtype);
  const int64_t grain = kCheapGrain / g.k + 1;  // rows that are worth a task
  for_each_chunk(dots.count, grain, 1, [&](int64_t begin, int64_t end) {
    kernel(dots.vector, dots.rows + begin * dots.row * element, dots.row, g.k, end - begin,
           g.c + begin * element);
    if (is_f32)
      finish<float>(g, begin, end);
    else
      finish<double>(g, begin, end);
  });
}

}  // namespace fastnn
