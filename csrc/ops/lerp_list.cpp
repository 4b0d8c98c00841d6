// lerp_list: moving averages of a list of tensors, in place.
#include "core/kernel_table.h"
#include "ops/checks.h"
#include "ops/flat_list.h"

namespace fastnn {

void register_lerp_list();

namespace {

enum { Averages, Xs, Momentum, Scratch };

void infer_lerp_list(Call& call) {
  const int count = call.count(Averages);
  if (call.count(Xs) != count)
    fail(ErrorKind::value, call,
         "there are " + std::to_string(call.count(Xs)) + " xs, expected one for each of " +
             std::to_string(count) + " averages");
  for (int i = 0; i < count; ++i) {
    const Array &average = call.operand(Averages, i), &x = call.operand(Xs, i);
    const std::string at = "[" + std::to_string(i) + "] has ";
    if (!is_float(average.dtype))
      fail(
          ErrorKind::type, call,
          "averages" + at + "dtype " + dtype_name(average.dtype) + ", expected float32 or float64");
    if (x.dtype != average.dtype)
      fail(ErrorKind::type, call,
           "xs" + at + "dtype " + dtype_name(x.dtype) + " but its average has " +
               dtype_name(average.dtype));
    if (!same_shape(x, average))
      fail(ErrorKind::value, call,
           "xs" + at + "shape " + shape_text(x) + " but its average has " + shape_text(average));
  }
  check_float(call, Momentum);
  check_rank(call, Momentum, 0);
  if (const int64_t bytes = FlatList::scratch_bytes(count)) {
    call.resize(Scratch, 1);
    call.set_scratch(Scratch, bytes);
  }
}

Status run_lerp_list(const Call& call) {
  const double momentum = number_of(call.operand(Momentum));
  const FlatList list(call, Averages, 1, call.has(Scratch) ? call.operand(Scratch).data : nullptr);
  const auto& kernel = kernels().optimizer;
  for_elements(list, [&](int i, int64_t first, int64_t count) {
    const Array &average = call.operand(Averages, i), &x = call.operand(Xs, i);
    const int64_t at = first * item_size(x.dtype);
    kernel.average[static_cast<int>(x.dtype)](average.data + at, x.data + at, momentum, 0, count);
  });
  return {};
}

}  // namespace

void register_lerp_list() {
  register_primitive({"lerp_list",
                      {{"averages", Role::inout, false, true},
                       {"xs", Role::in, false, true},
                       {"momentum", Role::in},
                       {"scratch", Role::scratch, true}},
                      {},
                      infer_lerp_list,
                      run_lerp_list});
}

}  // namespace fastnn
