// dx[i] = dy[i] * op'(value[i]), one line an operation. `v` is x or y, as op_codes.h says.
#define FASTNN_WIDE
#include "kernels/unary_backward.h"

#include "kernels/fill.h"
#include "simd/vec_special.h"
#include "simd/vec_trig.h"

namespace fastnn {
namespace {

constexpr double kSeluAlpha = 1.6732632423543772848, kSeluScale = 1.0507009873554804934;

template <UnaryOp op, class T>
FASTNN_INLINE Vec<T> apply(Vec<T> dy, Vec<T> v, Vec<T> a) {
  const Vec<T> zero = Vec<T>::zero(), one = constant<T>(1), half = constant<T>(0.5);
  if constexpr (op == UnaryOp::linear) return dy;
  if constexpr (op == UnaryOp::neg) return -dy;
  if constexpr (op == UnaryOp::abs) return select(v > zero, dy, select(v < zero, -dy, v * zero));
  if constexpr (op == UnaryOp::square) return dy * (v + v);
  if constexpr (op == UnaryOp::sqrt) return dy * half / v;
  if constexpr (op == UnaryOp::rsqrt) return dy * (-half * v * v * v);
  if constexpr (op == UnaryOp::reciprocal) return -dy * v * v;
  if constexpr (op == UnaryOp::exp) return dy * v;
  if constexpr (op == UnaryOp::expm1) return dy * (v + one);
  if constexpr (op == UnaryOp::log) return dy / v;
  if constexpr (op == UnaryOp::log2) return dy * constant<T>(kLog2e.value) / v;
  if constexpr (op == UnaryOp::log10) return dy * constant<T>(kLog10e.value) / v;
  if constexpr (op == UnaryOp::log1p) return dy / (v + one);
  if constexpr (op == UnaryOp::sin) return dy * cos(v);
  if constexpr (op == UnaryOp::cos) return -dy * sin(v);
  if constexpr (op == UnaryOp::tan) return dy * fma(v, v, one);
  if constexpr (op == UnaryOp::asin) return dy / sqrt((one - v) * (one + v));
  if constexpr (op == UnaryOp::acos) return -dy / sqrt((one - v) * (one + v));
  if constexpr (op == UnaryOp::atan) return dy / fma(v, v, one);
  if constexpr (op == UnaryOp::sinh) return dy * cosh(v);
  if constexpr (op == UnaryOp::cosh) return dy * sinh(v);
  if constexpr (op == UnaryOp::tanh) return dy * ((one - v) * (one + v));
  if constexpr (op == UnaryOp::sigmoid) return dy * (v * (one - v));
  if constexpr (op == UnaryOp::log_sigmoid) return dy * sigmoid(-v);
  if constexpr (op == UnaryOp::softplus) return dy * sigmoid(v);
  if constexpr (op == UnaryOp::softsign) return dy / ((one + abs(v)) * (one + abs(v)));
  if constexpr (op == UnaryOp::relu) return select(v > zero, dy, zero);
  if constexpr (op == UnaryOp::leaky_relu) return select(v > zero, dy, a * dy);
  if constexpr (op == UnaryOp::elu) return select(v > zero, dy, dy * (v + a));
  if constexpr (op == UnaryOp::selu)
    return select(v > zero, constant<T>(kSeluScale) * dy,
                  dy * (v + constant<T>(kSeluScale * kSeluAlpha)));
  if constexpr (op == UnaryOp::gelu) return dy * gelu_slope(v);
  if constexpr (op == UnaryOp::gelu_tanh) return dy * gelu_tanh_slope(v);
  if constexpr (op == UnaryOp::silu) return dy * silu_slope(v);
  if constexpr (op == UnaryOp::mish) return dy * mish_slope(v);
  if constexpr (op == UnaryOp::hard_sigmoid)
    return select(abs(v) < constant<T>(3), dy * constant<T>(1.0 / 6), zero);
  if constexpr (op == UnaryOp::hard_tanh) return select(abs(v) < one, dy, zero);
  if constexpr (op == UnaryOp::hard_silu)
    return select(v <= constant<T>(-3), zero,
                  select(v < constant<T>(3), dy * fma(v, constant<T>(1.0 / 3), half), dy));
  if constexpr (op == UnaryOp::erf)
    return dy * (constant<T>(1.12837916709551257390) * exp_minus_square(v));
  if constexpr (op == UnaryOp::erfinv)
    return dy * (constant<T>(0.88622692545275801365) / exp_minus_square(v));
}

template <UnaryOp op, class T>
void run(int64_t n, const void* dy_, const void* value_, void* dx_, double a_, double) {
  const T *dy = static_cast<const T*>(dy_), *value = static_cast<const T*>(value_);
  T* dx = static_cast<T*>(dx_);
  const Vec<T> a = constant<T>(a_);
  constexpr int kLanes = Vec<T>::kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    apply<op, T>(Vec<T>::load(dy + i), Vec<T>::load(value + i), a).store(dx + i);
  if (i < n)
    apply<op, T>(Vec<T>::load_first(dy + i, n - i), Vec<T>::load_first(value + i, n - i), a)
        .store_first(dx + i, n - i);
}

enum Reads { n, x, y, z };

template <UnaryOp op, Reads reads>
void fill_op(UnaryBackwardKernel* row) {
  if constexpr (reads != z) {
    row[0] = run<op, float>;
    row[1] = run<op, double>;
  }
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(unary_backward, UnaryBackwardKernels) {
  using namespace fastnn;
#define FASTNN_FILL_OP(name, reads, dtypes) \
  fill_op<UnaryOp::name, reads>(table->run[static_cast<int>(UnaryOp::name)]);
  FASTNN_UNARY_OPS(FASTNN_FILL_OP)
#undef FASTNN_FILL_OP
}
