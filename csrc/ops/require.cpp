// require_no_nan(; x; what): an error in place of a result that means nothing.
#include <cstddef>

#include "ops/all.h"
#include "ops/checks.h"

namespace fastnn {
namespace {

struct RequireAttributes {
  int64_t what;
};

CodeList subjects() {
  static constexpr const char* names[] = {"y_true", "sample_weight"};
  return {names, 2};
}

void infer(Call& call) { check_float(call, 0); }

// The index of the first NaN, or the size. Blocks without one are passed with one comparison each
// of vectors, the rest element by element.
template <class T>
int64_t first_nan(const T* x, int64_t size) {
  constexpr int64_t kBlock = 256;
  int64_t i = 0;
  for (; i + kBlock <= size; i += kBlock) {
    int found = 0;
    for (int64_t j = 0; j < kBlock; ++j) found |= x[i + j] != x[i + j];
    if (found) break;
  }
  while (i < size && x[i] == x[i]) ++i;
  return i;
}

Status run(const Call& call) {
  const Array& x = call.operand(0);
  const int64_t size = x.size();
  const int64_t where =
      x.dtype == DType::float32 ? first_nan(x.as<float>(), size) : first_nan(x.as<double>(), size);
  Status status;
  if (where < size) status.code = 1, status.where = where;
  return status;
}

Error describe(const Call& call, const Status& status) {
  const Array& x = call.operand(0);
  std::string index;
  int64_t rest = status.where;
  for (int axis = x.rank - 1; axis >= 0; --axis) {
    index = std::to_string(rest % x.shape[axis]) + (index.empty() ? "" : ", ") + index;
    rest /= x.shape[axis];
  }
  if (x.rank == 1) index += ",";
  const auto what = call.attributes.as<RequireAttributes>().what;
  return Error(ErrorKind::value, std::string("loss: ") + subjects().names[what] +
                                     " holds NaN, first at index (" + index + ")");
}

}  // namespace

void register_require() {
  register_primitive(
      {"require_no_nan",
       {{"x", Role::in}},
       {{"what", AttributeKind::code, offsetof(RequireAttributes, what), 0, subjects}},
       infer,
       run,
       describe});
}

}  // namespace fastnn
