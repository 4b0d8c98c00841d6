// elementwise: functions that the user wrote, by their numbers in fastnn.backends.jit.functions.
// There are no kernels here, and no reference: the function says what it computes. A program is
// compiled for each kind of call (core/program.h).
#include <algorithm>
#include <cstddef>

#include "ops/all.h"
#include "ops/checks.h"

namespace fastnn {
namespace {

enum { Ys, Xs };
constexpr int kMostConstants = 16;

struct FunctionAttributes {
  int64_t function;
  int64_t outputs;
  int64_t constant_count;
  double constants[kMostConstants];
};

// ---- elementwise(ys; xs; function, outputs, constants) ------------------------------------------

void infer_function(Call& call) {
  const auto& attributes = call.attributes.as<FunctionAttributes>();
  const int count = call.count(Xs);
  if (count == 0) fail(ErrorKind::value, call, "xs is an empty list");
  if (attributes.outputs < 1 || attributes.outputs > count + 1)
    fail(ErrorKind::value, call,
         "outputs is " + std::to_string(attributes.outputs) + ", expected 1 to " +
             std::to_string(count + 1));
  const DType dtype = call.operand(Xs).dtype;
  Array y = call.operand(Xs);
  for (int i = 0; i < count; ++i) {
    const Array& x = call.operand(Xs, i);
    if (!is_float(x.dtype) || x.dtype != dtype)
      fail(ErrorKind::type, call,
           "xs[" + std::to_string(i) + "] has dtype " + dtype_name(x.dtype) + ", expected " +
               (is_float(dtype) ? dtype_name(dtype) : "float32 or float64"));
    int64_t shape[kMaxRank];
    y.rank = static_cast<uint8_t>(broadcast_shapes(call, y, x, shape));
    std::copy(shape, shape + y.rank, y.shape);
  }
  check_extents(call, y.rank, y.shape);
  call.resize(Ys, static_cast<int>(attributes.outputs));
  for (int i = 0; i < attributes.outputs; ++i) call.set_output(Ys, dtype, y.rank, y.shape, i);
}

}  // namespace

void register_user_function() {
  register_primitive(
      {"elementwise",
       {{"ys", Role::out, false, true}, {"xs", Role::in, false, true}},
       {{"function", AttributeKind::integer, offsetof(FunctionAttributes, function)},
        {"outputs", AttributeKind::integer, offsetof(FunctionAttributes, outputs), 1},
        {"constants", AttributeKind::reals, offsetof(FunctionAttributes, constant_count), 0,
         nullptr, kMostConstants}},
       infer_function});
}

}  // namespace fastnn
