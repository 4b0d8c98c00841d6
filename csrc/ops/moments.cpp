// moments: mean and variance over any axes.
//
// Blocks of kDotBlock elements of a row, or of kRowBlock rows of columns, are joined in pairs.
#include "ops/moments.h"

#include <cmath>
#include <cstddef>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/reduce.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

enum { Mean, Variance, X, Scratch };

struct MomentsAttributes {
  int64_t axes, keepdims;
};

constexpr int64_t kTaskElements = 1 << 15;
constexpr int64_t kChunk = 2048;  // columns of one task

int64_t block_of(const ReducePass& pass) { return pass.inner == 1 ? kDotBlock : kRowBlock; }
int64_t blocks_of(const ReducePass& pass) { return ceil_div(pass.reduced, block_of(pass)); }

// Reduced axes that are not neighbours are brought together at the end.
ReducePlan plan_moments(const Array& x, int64_t axes) {
  const ReducePlan plan = plan_reduction(x, axes, false);
  return plan.count == 1 ? plan : plan_reduction(x, axes, true);
}

void infer(Call& call) {
  const auto& a = call.attributes.as<MomentsAttributes>();
  check_float(call, X);
  const Array x = call.operand(X);
  if (a.axes >> x.rank)
    fail(ErrorKind::value, call,
         "axes name an axis beyond the " + std::to_string(x.rank) + " of x with shape " +
             shape_text(x));
  int64_t shape[kMaxRank];
  const int rank = reduced_shape(x, a.axes, a.keepdims, shape);
  call.set_output(Mean, x.dtype, rank, shape);
  call.set_output(Variance, x.dtype, rank, shape);
  if (x.size() == 0) return;
  const ReducePlan plan = plan_moments(x, a.axes);
  const int64_t copied = plan.copied ? (x.bytes() + 63) / 64 * 64 : 0;
  const int64_t bytes = copied + moments_bytes(x.dtype, plan.passes[0]);
  call.resize(Scratch, 1);
  call.set_scratch(Scratch, bytes);
}

template <class T>
void finish(const Call& call, const ReducePass& pass, const char* moments) {
  T *mean = call.operand(Mean).as<T>(), *variance = call.operand(Variance).as<T>();
  const int64_t bytes = moments_bytes(call.operand(X).dtype, pass) / pass.outer;
  for (int64_t i = 0; i < pass.outer; ++i) {
    const T* own = reinterpret_cast<const T*>(moments + i * bytes);
    for (int64_t j = 0; j < pass.inner; ++j) {
      *mean++ = own[j];
      *variance++ = own[pass.inner + j] / static_cast<T>(pass.reduced);
    }
  }
}

template <class T>
void fill_empty(const Call& call) {
  for (int j : {int{Mean}, int{Variance}})
    for (int64_t i = 0, n = call.operand(j).size(); i < n; ++i)
      call.operand(j).as<T>()[i] = static_cast<T>(NAN);
}

Status run(const Call& call) {
  const Array& x = call.operand(X);
  if (x.size() == 0) {
    x.dtype == DType::float32 ? fill_empty<float>(call) : fill_empty<double>(call);
    return {};
  }
  const ReducePlan plan = plan_moments(x, call.attributes.as<MomentsAttributes>().axes);
  char* scratch = call.operand(Scratch).data;
  const char* from = x.data;
  if (plan.copied) {
    pack_for_reduction(plan, x, scratch);
    from = scratch;
    scratch += (x.bytes() + 63) / 64 * 64;
  }
  take_moments(x.dtype, plan.passes[0], from, scratch);
  x.dtype == DType::float32 ? finish<float>(call, plan.passes[0], scratch)
                            : finish<double>(call, plan.passes[0], scratch);
  return {};
}

}  // namespace

int64_t moments_bytes(DType dtype, const ReducePass& pass) {
  return pass.outer * blocks_of(pass) * 2 * pass.inner * item_size(dtype);
}

void take_moments(DType dtype, const ReducePass& pass, const char* x, char* moments) {
  const MomentsKernels& kernel = kernels().moments;
  const int d = static_cast<int>(dtype);
  const int64_t item = item_size(dtype), block = block_of(pass), blocks = blocks_of(pass);
  const int64_t inner = pass.inner, bytes = 2 * inner * item;  // of the moments of a block
  const auto rows_of = [&](int64_t b) {
    return b == blocks - 1 ? pass.reduced - b * block : block;
  };
  for_columns(pass.outer * blocks, block < pass.reduced ? block : pass.reduced, inner, kChunk,
              kTaskElements, [&](int64_t i, int64_t j, int64_t width) {
                const int64_t row = i / blocks * pass.reduced + i % blocks * block;
                const char* from = x + (row * inner + j) * item;
                char *mean = moments + i * bytes + j * item, *squares = mean + inner * item;
                if (inner == 1)
                  kernel.rows[d](from, 1, rows_of(i % blocks), mean, squares);
                else
                  kernel.columns[d](from, rows_of(i % blocks), inner, width, mean, squares);
              });
  for (int64_t i = 0; i < pass.outer; ++i)
    for (int64_t step = 1; step < blocks; step *= 2)
      for (int64_t b = 0; b + step < blocks; b += 2 * step) {
        char* to = moments + (i * blocks + b) * bytes;
        const char* from = to + step * bytes;
        const int64_t left = pass.reduced - (b + step) * block, rows = step * block;
        kernel.join[d](rows, left < rows ? left : rows, inner, to, to + inner * item, from,
                       from + inner * item);
      }
}

void register_moments() {
  register_primitive({"moments",
                      {{"mean", Role::out},
                       {"variance", Role::out},
                       {"x", Role::in, false, false, true},
                       {"scratch", Role::scratch, true}},
                      {{"axes", AttributeKind::axes, offsetof(MomentsAttributes, axes)},
                       {"keepdims", AttributeKind::boolean, offsetof(MomentsAttributes, keepdims)}},
                      infer,
                      run});
}

}  // namespace fastnn
