// scale_list: a list of tensors times one number, in place.
#include "core/kernel_table.h"
#include "ops/checks.h"
#include "ops/flat_list.h"

namespace fastnn {

void register_scale_list();

namespace {

enum { Xs, Scale, Scratch };

void infer_scale_list(Call& call) {
  for (int i = 0; i < call.count(Xs); ++i)
    if (!is_float(call.operand(Xs, i).dtype))
      fail(ErrorKind::type, call,
           "xs[" + std::to_string(i) + "] has dtype " + dtype_name(call.operand(Xs, i).dtype) +
               ", expected float32 or float64");
  check_float(call, Scale);
  check_rank(call, Scale, 0);
  if (const int64_t bytes = FlatList::scratch_bytes(call.count(Xs))) {
    call.resize(Scratch, 1);
    call.set_scratch(Scratch, bytes);
  }
}

Status run_scale_list(const Call& call) {
  const double factor = number_of(call.operand(Scale));
  const FlatList list(call, Xs, 1, call.has(Scratch) ? call.operand(Scratch).data : nullptr);
  const auto& kernel = kernels().optimizer;
  for_elements(list, [&](int i, int64_t first, int64_t count) {
    const Array& x = call.operand(Xs, i);
    kernel.scale[static_cast<int>(x.dtype)](x.data + first * item_size(x.dtype), factor, count);
  });
  return {};
}

}  // namespace

void register_scale_list() {
  register_primitive(
      {"scale_list",
       {{"xs", Role::inout, false, true}, {"scale", Role::in}, {"scratch", Role::scratch, true}},
       {},
       infer_scale_list,
       run_scale_list});
}

}  // namespace fastnn
