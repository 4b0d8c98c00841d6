// batch_norm and batch_norm_backward, of [rows, channels].
//
// Rows in blocks of kRowBlock, blocks in pairs. Without moments of its own (given_mean and
// given_variance) the call takes those of the batch and may update moving ones.
#include <cmath>
#include <cstring>
#include <numeric>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/moments.h"
#include "ops/reduce.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskElements = 1 << 15;

void check_channels(const Call& call, int x, int operand) {
  if (!call.has(operand)) return;
  check_same_dtype(call, x, operand);
  const Array& row = call.operand(operand);
  const int64_t channels = call.operand(x).shape[1];
  if (row.rank != 1 || row.shape[0] != channels)
    fail(ErrorKind::value, call,
         operand_name(call, operand) + " has shape " + shape_text(row) + ", expected (" +
             std::to_string(channels) + ",), one for each channel of " + operand_name(call, x));
}

// Numbers for each channel, repeated over as many rows as fill registers whole.
struct Rows {
  int64_t channels, repeats, blocks;
  explicit Rows(const Array& x)
      : channels(x.shape[1]),
        repeats(channels > 0 && channels < 128 ? 16 / std::gcd(channels, int64_t{16}) : 1),
        blocks(ceil_div(x.shape[0], kRowBlock)) {}
  int64_t period() const { return channels * repeats; }
  // Elements of a task, whole periods of them.
  int64_t piece() const { return period() * units_per_task(period(), kTaskElements); }
};

template <class T>
void repeat(const Rows& rows, T* numbers) {
  for (int64_t i = rows.channels; i < rows.period(); ++i) numbers[i] = numbers[i - rows.channels];
}

template <class T>
T* data_or_null(const Call& call, int operand) {
  return call.has(operand) ? call.operand(operand).as<T>() : nullptr;
}

// Calls body(block, first row, rows) for every block, several to a task.
template <class Body>
void for_blocks(const Rows& rows, int64_t total, Body&& body) {
  for_pieces(rows.blocks, units_per_task(kRowBlock * rows.channels, kTaskElements),
             [&](int64_t first, int64_t count) {
               for (int64_t block = first; block < first + count; ++block) {
                 const int64_t row = block * kRowBlock, left = total - row;
                 body(block, row, left < kRowBlock ? left : kRowBlock);
               }
             });
}

namespace forward {
enum {
  Y,
  Mean,
  Rstd,
  X,
  Gamma,
  Beta,
  GivenMean,
  GivenVariance,
  MovingMean,
  MovingVariance,
  Scratch
};

struct Attributes {
  double epsilon, momentum;
};

void infer(Call& call) {
  check_float(call, X);
  check_rank(call, X, 2);
  for (int j : {int{Gamma}, int{Beta}, int{GivenMean}, int{GivenVariance}, int{MovingMean},
                int{MovingVariance}})
    check_channels(call, X, j);
  if (call.has(GivenMean) != call.has(GivenVariance) ||
      call.has(MovingMean) != call.has(MovingVariance))
    fail(ErrorKind::value, call, "a mean and a variance are needed, or none of them");
  if (call.has(GivenMean) && call.has(MovingMean))
    fail(ErrorKind::value, call, "given moments do not change moving ones");
  const Array x = call.operand(X);
  if (x.shape[0] == 0 && !call.has(GivenMean))
    fail(ErrorKind::value, call, "x has shape " + shape_text(x) + ": no rows to take moments of");
  const Rows rows(x);
  call.set_output_like(Y, x);
  call.set_output(Mean, x.dtype, 1, &rows.channels);
  call.set_output(Rstd, x.dtype, 1, &rows.channels);
  const int64_t partial = call.has(GivenMean) ? 1 : rows.blocks;
  call.set_scratch(Scratch, (2 * partial * rows.channels + 3 * rows.period()) * item_size(x.dtype));
}

template <class T>
void normalize(const Call& call) {
  const Array &x = call.operand(X), &y = call.operand(Y);
  const Rows rows(x);
  const auto& a = call.attributes.as<Attributes>();
  const int64_t channels = rows.channels;
  T* factor = call.operand(Scratch).as<T>();
  T *shift = factor + rows.period(), *centre = shift + rows.period();
  T* own = centre + rows.period();
  const T *mean = data_or_null<T>(call, GivenMean),
          *variance = data_or_null<T>(call, GivenVariance);
  if (!mean) {
    take_moments(x.dtype, {1, x.shape[0], channels}, x.data, reinterpret_cast<char*>(own));
    T* variances = own + channels;
    for (int64_t c = 0; c < channels; ++c) variances[c] /= static_cast<T>(x.shape[0]);
    mean = own;
    variance = variances;
    if (call.has(MovingMean)) {
      const T keep = static_cast<T>(a.momentum), rest = static_cast<T>(1 - a.momentum);
      T* moving_mean = call.operand(MovingMean).as<T>();
      T* moving_variance = call.operand(MovingVariance).as<T>();
      for (int64_t c = 0; c < channels; ++c) {
        moving_mean[c] = moving_mean[c] * keep + mean[c] * rest;
        moving_variance[c] = moving_variance[c] * keep + variance[c] * rest;
      }
    }
  }
  const T *gamma = data_or_null<T>(call, Gamma), *beta = data_or_null<T>(call, Beta);
  T* rstd = call.operand(Rstd).as<T>();
  for (int64_t c = 0; c < channels; ++c) {
    rstd[c] = 1 / std::sqrt(variance[c] + static_cast<T>(a.epsilon));
    factor[c] = gamma ? rstd[c] * gamma[c] : rstd[c];
    shift[c] = beta ? beta[c] : 0;
    centre[c] = call.operand(Mean).as<T>()[c] = mean[c];
  }
  for (T* numbers : {factor, shift, centre}) repeat(rows, numbers);
  const BatchApply apply = kernels().batch_norm.apply[static_cast<int>(x.dtype)];
  if (x.size() > 0)
    for_pieces(x.size(), rows.piece(), [&](int64_t first, int64_t count) {
      apply(x.as<T>() + first, count, rows.period(), centre, factor, shift, y.as<T>() + first);
    });
}

Status run(const Call& call) {
  call.operand(X).dtype == DType::float32 ? normalize<float>(call) : normalize<double>(call);
  return {};
}
}  // namespace forward

namespace backward {
enum { Dx, Dgamma, Dbeta, Dy, X, Mean, Rstd, Gamma, Scratch };

struct Attributes {
  int64_t batch_statistics, want_dx;
};

void infer(Call& call) {
  check_float(call, Dy);
  check_rank(call, Dy, 2);
  check_same_dtype(call, Dy, X);
  check_same_shape(call, Dy, X);
  for (int j : {int{Mean}, int{Rstd}, int{Gamma}}) check_channels(call, X, j);
  const Array x = call.operand(X);
  const Rows rows(x);
  const bool want_dx = call.attributes.as<Attributes>().want_dx != 0;
  call.resize(Dx, want_dx ? 1 : 0);
  if (want_dx) call.set_output_like(Dx, x);
  call.set_output(Dgamma, x.dtype, 1, &rows.channels);
  call.set_output(Dbeta, x.dtype, 1, &rows.channels);
  const int64_t blocks = rows.blocks > 0 ? rows.blocks : 1;
  call.set_scratch(Scratch, (2 * blocks * rows.channels + 4 * rows.period()) * item_size(x.dtype));
}

template <class T>
void differentiate(const Call& call) {
  const Array &dy = call.operand(Dy), &x = call.operand(X);
  const Rows rows(x);
  const auto& a = call.attributes.as<Attributes>();
  const BatchNormKernels& kernel = kernels().batch_norm;
  const int dtype = static_cast<int>(x.dtype);
  const int64_t channels = rows.channels, period = rows.period();
  T* factor = call.operand(Scratch).as<T>();
  T *slope = factor + period, *shift = slope + period, *centre = shift + period;
  T* sums = centre + period;
  const T *mean = call.operand(Mean).as<T>(), *rstd = call.operand(Rstd).as<T>();
  const T* gamma = data_or_null<T>(call, Gamma);
  if (rows.blocks == 0) std::memset(sums, 0, static_cast<size_t>(2 * channels) * sizeof(T));
  for_blocks(rows, x.shape[0], [&](int64_t block, int64_t row, int64_t count) {
    T* sum = sums + 2 * block * channels;
    kernel.sums[dtype](dy.as<T>() + row * channels, x.as<T>() + row * channels, mean, count,
                       channels, sum, sum + channels);
  });
  fold_in_pairs(folder_for(ReduceOp::sum, x.dtype), reinterpret_cast<char*>(sums), rows.blocks,
                2 * channels);
  const T count = static_cast<T>(x.shape[0]);
  for (int64_t c = 0; c < channels; ++c) {
    const T dbeta = sums[c], dgamma = sums[channels + c] * rstd[c];
    call.operand(Dbeta).as<T>()[c] = dbeta;
    call.operand(Dgamma).as<T>()[c] = dgamma;
    factor[c] = gamma ? rstd[c] * gamma[c] : rstd[c];
    slope[c] = a.batch_statistics ? -factor[c] * (rstd[c] * (dgamma / count)) : 0;
    shift[c] = a.batch_statistics ? -factor[c] * (dbeta / count) : 0;
    centre[c] = mean[c];
  }
  if (!call.has(Dx) || x.size() == 0) return;
  for (T* numbers : {factor, slope, shift, centre}) repeat(rows, numbers);
  T* dx = call.operand(Dx).as<T>();
  for_pieces(x.size(), rows.piece(), [&](int64_t first, int64_t n) {
    kernel.gradient[dtype](dy.as<T>() + first, x.as<T>() + first, n, period, centre, factor, slope,
                           shift, dx + first);
  });
}

Status run(const Call& call) {
  call.operand(X).dtype == DType::float32 ? differentiate<float>(call)
                                          : differentiate<double>(call);
  return {};
}
}  // namespace backward

}  // namespace

void register_batch_norm() {
  register_primitive(
      {"batch_norm",
       {{"y", Role::out},
        {"mean", Role::out},
        {"rstd", Role::out},
        {"x", Role::in},
        {"gamma", Role::in, true},
        {"beta", Role::in, true},
        {"given_mean", Role::in, true},
        {"given_variance", Role::in, true},
        {"moving_mean", Role::inout, true},
        {"moving_variance", Role::inout, true},
        {"scratch", Role::scratch}},
       {{"epsilon", AttributeKind::real, offsetof(forward::Attributes, epsilon), 1e-3},
        {"momentum", AttributeKind::real, offsetof(forward::Attributes, momentum), 0.99}},
       forward::infer,
       forward::run});
  register_primitive(
      {"batch_norm_backward",
       {{"dx", Role::out, true},
        {"dgamma", Role::out},
        {"dbeta", Role::out},
        {"dy", Role::in},
        {"x", Role::in},
        {"mean", Role::in},
        {"rstd", Role::in},
        {"gamma", Role::in, true},
        {"scratch", Role::scratch}},
       {{"batch_statistics", AttributeKind::boolean,
         offsetof(backward::Attributes, batch_statistics), 1},
        {"want_dx", AttributeKind::boolean, offsetof(backward::Attributes, want_dx), 1}},
       backward::infer,
       backward::run});
}

}  // namespace fastnn
