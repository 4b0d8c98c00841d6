// y[i] = op(x[i]), one line an operation.
//
// Floating point runs on Vec, with masked tails, so that an element's result depends on its value
// only. Integers are plain loops that the compiler turns into vectors.
#define FASTNN_WIDE
#include "kernels/unary.h"

#include "kernels/fill.h"
#include "simd/vec_special.h"
#include "simd/vec_trig.h"

namespace fastnn {
namespace {

// selu's constants (Klambauer et al., Self-normalizing neural networks, 2017).
// The scale, and its product with alpha: the nearest double, and the rest.
constexpr double kSeluScale = 1.0507009873554804934;
constexpr double kSeluBelow = 1.7580993408473768, kSeluRest = 1.42e-17;

template <UnaryOp op, class T>
FASTNN_INLINE Vec<T> apply(Vec<T> x, Vec<T> a) {
  const Vec<T> zero = Vec<T>::zero(), one = constant<T>(1);
  if constexpr (op == UnaryOp::linear) return x;
  if constexpr (op == UnaryOp::neg) return -x;
  if constexpr (op == UnaryOp::abs) return abs(x);
  if constexpr (op == UnaryOp::sign) return select(x > zero, one, select(x < zero, -one, x + zero));
  if constexpr (op == UnaryOp::square) return x * x;
  if constexpr (op == UnaryOp::sqrt) return sqrt(x);
  if constexpr (op == UnaryOp::rsqrt) return one / sqrt(x);
  if constexpr (op == UnaryOp::reciprocal) return one / x;
  if constexpr (op == UnaryOp::exp) return exp(x);
  if constexpr (op == UnaryOp::expm1) return expm1(x);
  if constexpr (op == UnaryOp::log) return log(x);
  if constexpr (op == UnaryOp::log2) return log2(x);
  if constexpr (op == UnaryOp::log10) return log10(x);
  if constexpr (op == UnaryOp::log1p) return log1p(x);
  if constexpr (op == UnaryOp::sin) return sin(x);
  if constexpr (op == UnaryOp::cos) return cos(x);
  if constexpr (op == UnaryOp::tan) return tan(x);
  if constexpr (op == UnaryOp::asin) return asin(x);
  if constexpr (op == UnaryOp::acos) return acos(x);
  if constexpr (op == UnaryOp::atan) return atan(x);
  if constexpr (op == UnaryOp::sinh) return sinh(x);
  if constexpr (op == UnaryOp::cosh) return cosh(x);
  if constexpr (op == UnaryOp::tanh) return tanh(x);
  if constexpr (op == UnaryOp::sigmoid) return sigmoid(x);
  if constexpr (op == UnaryOp::log_sigmoid) return -softplus(-x);
  if constexpr (op == UnaryOp::softplus) return softplus(x);
  if constexpr (op == UnaryOp::softsign) return softsign(x);
  if constexpr (op == UnaryOp::relu) return maximum(x, zero);  // as behind sums: of -0, 0
  if constexpr (op == UnaryOp::leaky_relu) return select(x > zero, x, a * x);
  if constexpr (op == UnaryOp::elu) return select(x > zero, x, a * expm1(x));
  if constexpr (op == UnaryOp::selu) {
    const Vec<T> e = expm1(x), c = constant<T>(kSeluBelow);
    Vec<T> below = c * e;
    if constexpr (sizeof(T) == 8) below = fma(c, e, constant<T>(kSeluRest) * e);
    return select(x > zero, constant<T>(kSeluScale) * x, below);
  }
  if constexpr (op == UnaryOp::gelu) return gelu(x);
  if constexpr (op == UnaryOp::gelu_tanh) return gelu_tanh(x);
  if constexpr (op == UnaryOp::silu) return silu(x);
  if constexpr (op == UnaryOp::mish) return mish(x);
  if constexpr (op == UnaryOp::hard_sigmoid) return hard_sigmoid(x);
  if constexpr (op == UnaryOp::hard_tanh) return smaller(one, larger(-one, x));
  if constexpr (op == UnaryOp::hard_silu) return hard_silu(x);
  if constexpr (op == UnaryOp::erf) return erf(x);
  if constexpr (op == UnaryOp::erfinv) return erfinv(x);
  if constexpr (op == UnaryOp::floor) return floor(x);
  if constexpr (op == UnaryOp::ceil) return ceil(x);
  if constexpr (op == UnaryOp::round) return round_even(x);
}

template <UnaryOp op, class T>
void run_float(int64_t n, const void* x_, void* y_, double a_, double) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  const Vec<T> a = constant<T>(a_);
  constexpr int kLanes = Vec<T>::kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) apply<op, T>(Vec<T>::load(x + i), a).store(y + i);
  if (i < n) apply<op, T>(Vec<T>::load_first(x + i, n - i), a).store_first(y + i, n - i);
}

// Sums and products wrap: they are computed without a sign.
template <UnaryOp op, class T, class U>
FASTNN_INLINE T apply_integer(T x) {
  if constexpr (op == UnaryOp::neg) return static_cast<T>(U{0} - static_cast<U>(x));
  if constexpr (op == UnaryOp::abs) return x < 0 ? static_cast<T>(U{0} - static_cast<U>(x)) : x;
  if constexpr (op == UnaryOp::sign) return static_cast<T>((x > 0) - (x < 0));
  if constexpr (op == UnaryOp::square) return static_cast<T>(static_cast<U>(x) * static_cast<U>(x));
  if constexpr (op == UnaryOp::relu) return x > 0 ? x : 0;
  return x;  // linear, floor, ceil, round
}

template <UnaryOp op, class T, class U>
void run_integer(int64_t n, const void* x_, void* y_, double, double) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = apply_integer<op, T, U>(x[i]);
}

// Results of type bool. Written without isnan(), which may be a template.
template <UnaryOp op, class T>
void run_predicate(int64_t n, const void* x_, void* y_, double, double) {
  const T* x = static_cast<const T*>(x_);
  uint8_t* y = static_cast<uint8_t*>(y_);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (op == UnaryOp::logical_not) y[i] = x[i] == 0;
    if constexpr (op == UnaryOp::isnan) y[i] = x[i] != x[i];
    if constexpr (op == UnaryOp::isfinite) y[i] = x[i] - x[i] == 0;
  }
}

enum Class { F, N, A, AB, FB };  // the dtypes of op_codes.h

template <UnaryOp op, Class dtypes>
void fill_op(UnaryKernel* row) {
  if constexpr (dtypes == FB || dtypes == AB) {
    row[0] = run_predicate<op, float>;
    row[1] = run_predicate<op, double>;
  } else {
    row[0] = run_float<op, float>;
    row[1] = run_float<op, double>;
  }
  if constexpr (dtypes == AB) {
    row[2] = run_predicate<op, int32_t>;
    row[3] = run_predicate<op, int64_t>;
    row[4] = row[5] = run_predicate<op, uint8_t>;
  }
  if constexpr (dtypes == N || dtypes == A) {
    row[2] = run_integer<op, int32_t, uint32_t>;
    row[3] = run_integer<op, int64_t, uint64_t>;
    row[4] = run_integer<op, uint8_t, uint32_t>;
  }
  if constexpr (dtypes == A) row[5] = row[4];
}

}  // namespace
}  // namespace fastnn

FASTNN_FILL(unary, UnaryKernels) {
  using namespace fastnn;
#define FASTNN_FILL_OP(name, reads, dtypes) \
  fill_op<UnaryOp::name, dtypes>(table->run[static_cast<int>(UnaryOp::name)]);
  FASTNN_UNARY_OPS(FASTNN_FILL_OP)
#undef FASTNN_FILL_OP
}
