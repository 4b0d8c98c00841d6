// cumulative and cumulative_prod_backward: running sums and products along one axis.
//
// x is [outer, n, inner]. Rows (inner is 1) of sums are cut into blocks of kRunBlock, which run
// side by side; then each is moved by the last result before it. Products are not: a block could
// overflow where the product of all does not.
#include <cstddef>
#include <cstring>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "ops/all.h"
#include "ops/along_axis.h"
#include "ops/checks.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskElements = 1 << 15;

// Calls body(width, first element, step to the next row) for strips of columns.
template <class Body>
void for_strips(const AlongAxis& e, bool reverse, Body&& body) {
  const int64_t step = reverse ? -e.inner : e.inner;
  for_columns(e.outer, e.n, e.inner, kRunWidth, kTaskElements,
              [&](int64_t i, int64_t j, int64_t width) {
                body(width, (i * e.n + (reverse ? e.n - 1 : 0)) * e.inner + j, step);
              });
}

namespace forward {
enum { Y, X, Scratch };

struct Attributes {
  int64_t op, axis, reverse;
};

CodeList codes() {
  static constexpr const char* names[] = {"sum", "prod"};
  return {names, 2};
}

bool in_blocks(const Attributes& a, const AlongAxis& e) {
  return a.op == 0 && e.inner == 1 && e.n > kRunBlock;
}

void infer(Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  const Array x = call.operand(X);
  if (x.dtype == DType::boolean) fail(ErrorKind::type, call, "x has dtype bool, expected a number");
  check_axis(call, "axis", a.axis, x.rank);
  call.set_output_like(Y, x);
  const AlongAxis e(x, a.axis);
  if (x.size() == 0 || !in_blocks(a, e)) return;
  const int64_t bytes = e.outer * ceil_div(e.n, kRunBlock) * item_size(x.dtype);
  call.resize(Scratch, 1);
  call.set_scratch(Scratch, bytes);
}

void run_blocks(const Call& call, const AlongAxis& e, bool reverse) {
  const Array &x = call.operand(X), &y = call.operand(Y);
  const auto& kernel = kernels().cumulative;
  const int dtype = static_cast<int>(x.dtype);
  const int64_t item = item_size(x.dtype), step = reverse ? -1 : 1;
  const int64_t blocks = ceil_div(e.n, kRunBlock), rest = e.n - (blocks - 1) * kRunBlock;
  // Where block b of all blocks begins, and how long it is.
  const auto first_of = [&](int64_t b) {
    const int64_t row = b / blocks * e.n, within = b % blocks * kRunBlock;
    return row + (reverse ? e.n - 1 - within : within);
  };
  const auto length = [&](int64_t b) { return b % blocks == blocks - 1 ? rest : kRunBlock; };
  const int64_t each = units_per_task(kRunBlock, kTaskElements);
  for_pieces(e.outer * blocks, each, [&](int64_t first, int64_t count) {
    for (int64_t b = first, end = first + count; b < end;) {
      int64_t chains = 1;  // neighbours of the same length
      while (b + chains < end && (b + chains) % blocks != 0 && length(b + chains) == length(b))
        ++chains;
      const int64_t at = first_of(b) * item;
      kernel.rows[dtype](0, x.data + at, chains, length(b), step, y.data + at);
      b += chains;
    }
  });
  // The last result of every block: its own so far, moved by that of the block before.
  char* ends = call.operand(Scratch).data;
  for (int64_t b = 0; b < e.outer * blocks; ++b) {
    const int64_t last = first_of(b) + (length(b) - 1) * step;
    std::memcpy(ends + b * item, y.data + last * item, static_cast<size_t>(item));
    if (b % blocks > 0) kernel.shift[dtype](ends + (b - 1) * item, ends + b * item, 1);
  }
  for_pieces(e.outer * blocks, each, [&](int64_t first, int64_t count) {
    for (int64_t b = first; b < first + count; ++b) {
      if (b % blocks == 0) continue;
      const int64_t low = reverse ? first_of(b) - (length(b) - 1) : first_of(b);
      kernel.shift[dtype](ends + (b - 1) * item, y.data + low * item, length(b));
    }
  });
}

Status run(const Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  const Array &x = call.operand(X), &y = call.operand(Y);
  if (x.size() == 0) return {};
  const AlongAxis e(x, a.axis);
  const bool reverse = a.reverse != 0;
  const int product = static_cast<int>(a.op), dtype = static_cast<int>(x.dtype);
  const int64_t item = item_size(x.dtype);
  const auto& kernel = kernels().cumulative;
  if (in_blocks(a, e)) {
    run_blocks(call, e, reverse);
  } else if (e.inner == 1) {
    for_pieces(e.outer, units_per_task(e.n, kTaskElements), [&](int64_t first, int64_t count) {
      const int64_t at = (reverse ? (first + count) * e.n - 1 : first * e.n) * item;
      kernel.rows[dtype](product, x.data + at, count, e.n, reverse ? -1 : 1, y.data + at);
    });
  } else {
    for_strips(e, reverse, [&](int64_t width, int64_t first, int64_t step) {
      const int64_t at = first * item;
      kernel.columns[dtype](product, x.data + at, e.n, step, width, y.data + at);
    });
  }
  return {};
}
}  // namespace forward

namespace backward {
enum { Dx, Dy, X, Y };

struct Attributes {
  int64_t axis, reverse;
};

void infer(Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  check_float(call, Dy);
  for (int j : {int{X}, int{Y}}) {
    check_same_dtype(call, Dy, j);
    check_same_shape(call, Dy, j);
  }
  check_axis(call, "axis", a.axis, call.operand(Dy).rank);
  call.set_output_like(Dx, call.operand(Dy));
}

Status run(const Call& call) {
  const auto& a = call.attributes.as<Attributes>();
  const Array& dy = call.operand(Dy);
  if (dy.size() == 0) return {};
  const int64_t item = item_size(dy.dtype);
  const AlongAxis e(dy, a.axis);
  const RunProductsBackward kernel =
      kernels().cumulative.products_backward[static_cast<int>(dy.dtype)];
  for_strips(e, a.reverse != 0, [&](int64_t width, int64_t first, int64_t step) {
    const int64_t at = first * item;
    kernel(dy.data + at, call.operand(X).data + at, call.operand(Y).data + at, e.n, step, width,
           call.operand(Dx).data + at);
  });
  return {};
}
}  // namespace backward

}  // namespace

void register_cumulative() {
  register_primitive(
      {"cumulative",
       {{"y", Role::out}, {"x", Role::in}, {"scratch", Role::scratch, true}},
       {{"op", AttributeKind::code, offsetof(forward::Attributes, op), 0, forward::codes},
        {"axis", AttributeKind::integer, offsetof(forward::Attributes, axis)},
        {"reverse", AttributeKind::boolean, offsetof(forward::Attributes, reverse)}},
       forward::infer,
       forward::run});
  register_primitive(
      {"cumulative_prod_backward",
       {{"dx", Role::out}, {"dy", Role::in}, {"x", Role::in}, {"y", Role::in}},
       {{"axis", AttributeKind::integer, offsetof(backward::Attributes, axis)},
        {"reverse", AttributeKind::boolean, offsetof(backward::Attributes, reverse)}},
       backward::infer,
       backward::run});
}

}  // namespace fastnn
