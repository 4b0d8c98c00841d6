// softmax and softmax_backward over one axis.
#include <cstddef>

#include "core/kernel_table.h"
#include "ops/all.h"
#include "ops/checks.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

struct SoftmaxAttributes {
  int64_t axis, log;
};

constexpr int64_t kTaskElements = 1 << 13;
constexpr int64_t kChunk = 64;  // columns of one task

// The axes before, at and after the one that is normalized.
struct Extents {
  int64_t outer = 1, axis = 1, inner = 1;
};

Extents extents_of(const Array& x, int64_t axis) {
  Extents extents;
  extents.axis = x.shape[axis];
  for (int64_t i = 0; i < axis; ++i) extents.outer *= x.shape[i];
  for (int64_t i = axis + 1; i < x.rank; ++i) extents.inner *= x.shape[i];
  return extents;
}

void normalize_axis(Call& call, const Array& x) {
  auto& attributes = call.attributes.as<SoftmaxAttributes>();
  const int64_t given = attributes.axis;
  if (attributes.axis < 0) attributes.axis += x.rank;
  if (attributes.axis < 0) check_axis(call, "axis", given, x.rank);
  check_axis(call, "axis", attributes.axis, x.rank);
}

// rows(first element, rows) or columns(first element, columns), as the axis demands.
template <class Rows, class Columns>
void split(const Extents& extents, Rows rows, Columns columns) {
  const int64_t n = extents.axis, inner = extents.inner;
  if (extents.outer == 0 || n == 0 || inner == 0) return;
  if (inner == 1) {
    for_pieces(extents.outer, units_per_task(n, kTaskElements),
               [&](int64_t first, int64_t count) { rows(first * n, count); });
    return;
  }
  for_columns(extents.outer, n, inner, kChunk, kTaskElements,
              [&](int64_t i, int64_t j, int64_t count) { columns(i * n * inner + j, count); });
}

namespace forward {
enum { Y, X };

void infer(Call& call) {
  check_float(call, X);
  normalize_axis(call, call.operand(X));
  call.set_output_like(Y, call.operand(X));
}

Status run(const Call& call) {
  const auto& attributes = call.attributes.as<SoftmaxAttributes>();
  const Array &x = call.operand(X), &y = call.operand(Y);
  const int dtype = static_cast<int>(x.dtype), log = attributes.log != 0;
  const int64_t item = item_size(x.dtype);
  const Extents extents = extents_of(x, attributes.axis);
  const auto& kernel = kernels().softmax;
  split(
      extents,
      [&](int64_t at, int64_t rows) {
        kernel.rows[dtype](log, x.data + at * item, rows, extents.axis, y.data + at * item);
      },
      [&](int64_t at, int64_t columns) {
        kernel.columns[dtype](log, x.data + at * item, extents.axis, extents.inner, columns,
                              y.data + at * item);
      });
  return {};
}
}  // namespace forward

namespace backward {
enum { Dx, Dy, Y };

void infer(Call& call) {
  check_float(call, Dy);
  check_same_dtype(call, Dy, Y);
  check_same_shape(call, Dy, Y);
  normalize_axis(call, call.operand(Dy));
  call.set_output_like(Dx, call.operand(Dy));
}

Status run(const Call& call) {
  const auto& attributes = call.attributes.as<SoftmaxAttributes>();
  const Array &dy = call.operand(Dy), &y = call.operand(Y), &dx = call.operand(Dx);
  const int dtype = static_cast<int>(dy.dtype), log = attributes.log != 0;
  const int64_t item = item_size(dy.dtype);
  const Extents extents = extents_of(dy, attributes.axis);
  const auto& kernel = kernels().softmax;
  split(
      extents,
      [&](int64_t at, int64_t rows) {
        kernel.backward_rows[dtype](log, dy.data + at * item, y.data + at * item, rows,
                                    extents.axis, dx.data + at * item);
      },
      [&](int64_t at, int64_t columns) {
        kernel.backward_columns[dtype](log, dy.data + at * item, y.data + at * item, extents.axis,
                                       extents.inner, columns, dx.data + at * item);
      });
  return {};
}
}  // namespace backward

// exp is most of the work.
double softmax_cost(const Call& call) { return 8.0 * static_cast<double>(call.operand(1).size()); }

const std::vector<AttributeInfo> kAttributes = {
    {"axis", AttributeKind::integer, offsetof(SoftmaxAttributes, axis), -1},
    {"log", AttributeKind::boolean, offsetof(SoftmaxAttributes, log)}};

}  // namespace

void register_softmax() {
  register_primitive({"softmax",
                      {{"y", Role::out}, {"x", Role::in}},
                      kAttributes,
                      forward::infer,
                      forward::run,
                      nullptr,
                      softmax_cost,
                      {{forward::Y, forward::X}}});
  register_primitive({"softmax_backward",
                      {{"dx", Role::out}, {"dy", Role::in}, {"y", Role::in}},
                      kAttributes,
                      backward::infer,
                      backward::run,
                      nullptr,
                      softmax_cost,
                      {{backward::Dx, backward::Dy}}});
}

}  // namespace fastnn
