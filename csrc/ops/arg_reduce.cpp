// arg_reduce: the position of the largest or smallest element along one axis.
#include <cstddef>

#include "core/kernel_table.h"
#include "ops/checks.h"
#include "ops/reduce.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

enum { Y, X, Scratch };

struct ArgReduceAttributes {
  int64_t op, axis, keepdims;
};

CodeList arg_codes() {
  static constexpr const char* names[] = {"argmax", "argmin"};
  return {names, 2};
}

constexpr int64_t kTaskElements = 1 << 15;
constexpr int64_t kChunk = 1024;  // columns of one task

void infer_arg_reduce(Call& call) {
  auto& attributes = call.attributes.as<ArgReduceAttributes>();
  const Array& x = call.operand(X);
  const int64_t given = attributes.axis;
  if (attributes.axis < 0) attributes.axis += x.rank;
  if (attributes.axis < 0 || attributes.axis >= x.rank) check_axis(call, "axis", given, x.rank);
  const int64_t axes = int64_t{1} << attributes.axis;
  int64_t shape[kMaxRank];
  const int rank = reduced_shape(x, axes, attributes.keepdims, shape);
  if (x.shape[attributes.axis] == 0)
    fail(ErrorKind::value, call,
         std::string(arg_codes().names[attributes.op]) + " of no elements, x has shape " +
             shape_text(x));
  if (x.size() != 0 && plan_reduction(x, axes, false).copied) {
    const int64_t bytes = x.bytes();
    call.resize(Scratch, 1);
    call.set_scratch(Scratch, bytes);
  }
  call.set_output(Y, DType::int64, rank, shape);
}

Status run_arg_reduce(const Call& call) {
  const auto& attributes = call.attributes.as<ArgReduceAttributes>();
  const Array& x = call.operand(X);
  if (x.size() == 0) return {};
  const ReducePlan plan = plan_reduction(x, int64_t{1} << attributes.axis, false);
  const char* from = x.data;
  if (plan.copied) {
    from = call.operand(Scratch).data;
    pack_for_reduction(plan, x, call.operand(Scratch).data);
  }
  const ReducePass& pass = plan.passes[0];
  const int dtype = static_cast<int>(x.dtype), smallest = static_cast<int>(attributes.op);
  const int64_t item = item_size(x.dtype);
  int64_t* y = call.operand(Y).as<int64_t>();
  const auto& kernel = kernels().reduce_exact;
  if (pass.inner == 1) {
    for_pieces(pass.outer, units_per_task(pass.reduced, kTaskElements),
               [&](int64_t first, int64_t count) {
                 kernel.arg_rows[dtype](smallest, from + first * pass.reduced * item, count,
                                        pass.reduced, y + first);
               });
    return {};
  }
  for_columns(pass.outer, pass.reduced, pass.inner, kChunk, kTaskElements,
              [&](int64_t i, int64_t j, int64_t count) {
                kernel.arg_columns[dtype](smallest,
                                          from + (i * pass.reduced * pass.inner + j) * item,
                                          pass.reduced, pass.inner, count, y + i * pass.inner + j);
              });
  return {};
}

}  // namespace

void register_arg_reduce() {
  register_primitive(
      {"arg_reduce",
       {{"y", Role::out}, {"x", Role::in, false, false, true}, {"scratch", Role::scratch, true}},
       {{"op", AttributeKind::code, offsetof(ArgReduceAttributes, op), 0, arg_codes},
        {"axis", AttributeKind::integer, offsetof(ArgReduceAttributes, axis), -1},
        {"keepdims", AttributeKind::boolean, offsetof(ArgReduceAttributes, keepdims)}},
       infer_arg_reduce,
       run_arg_reduce});
}

}  // namespace fastnn
