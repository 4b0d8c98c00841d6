#include "core/primitive.h"

#include <algorithm>
#include <memory>

namespace fastnn {

namespace {

thread_local std::unique_ptr<std::vector<Array>> spare;

}  // namespace

void Call::spill_over(int count) {
  spill = spare ? spare.release() : new std::vector<Array>();
  spill->assign(inline_arrays, inline_arrays + count);
}

void Call::put_back() {
  if (!spare || spare->capacity() < spill->capacity())
    spare.reset(spill);
  else
    delete spill;
}

std::string Call::name() const {
  const std::vector<AttributeInfo>& all = primitive->attributes;
  if (all.empty() || all[0].codes != binary_codes) return primitive->name;
  int64_t code;
  std::memcpy(&code, attributes.bytes + all[0].offset, sizeof code);
  return operation_name(static_cast<BinaryOp>(code));
}

Call& Call::operator=(const Call& other) {
  if (this == &other) return *this;
  primitive = other.primitive;
  attributes = other.attributes;
  device = other.device;
  prepared = other.prepared;
  program = other.program;
  std::copy(std::begin(other.first), std::end(other.first), first);
  delete spill;
  spill = other.spill ? new std::vector<Array>(*other.spill) : nullptr;
  if (!spill)
    std::copy(std::begin(other.inline_arrays), std::end(other.inline_arrays), inline_arrays);
  return *this;
}

void Call::resize(int j, int n) {
  const int operands = static_cast<int>(primitive->operands.size());
  const int old = count(j), total = first[operands], grown = total - old + n;
  if (n == old) return;
  if (grown > Call::kMostArrays)
    throw Error(ErrorKind::value, std::string(primitive->name) + ": too many arrays in a list");
  if (!spill && grown > kInline) spill_over(total);
  const int tail = first[j + 1];
  if (spill) {
    if (n > old)
      spill->insert(spill->begin() + tail, n - old, Array());
    else
      spill->erase(spill->begin() + first[j] + n, spill->begin() + tail);
  } else if (n > old) {
    std::move_backward(inline_arrays + tail, inline_arrays + total, inline_arrays + grown);
    std::fill(inline_arrays + tail, inline_arrays + tail + (n - old), Array());
  } else {
    std::move(inline_arrays + tail, inline_arrays + total, inline_arrays + first[j] + n);
  }
  for (int operand = j + 1; operand <= operands; ++operand)
    first[operand] = static_cast<uint16_t>(first[operand] + n - old);
}

Array& Call::set_output(int j, DType dtype, int rank, const int64_t* shape, int i) {
  if (count(j) <= i) resize(j, i + 1);
  Array& array = operand(j, i);
  array.dtype = dtype;
  array.rank = static_cast<uint8_t>(rank);
  std::copy(shape, shape + rank, array.shape);
  array.set_row_major_strides();
  array.present = true;
  return array;
}

double cost_of(const Call& call) {
  if (call.primitive->cost) return call.primitive->cost(call);
  double elements = 0;
  for (int i = 0; i < call.total(); ++i) elements += static_cast<double>(call.arrays()[i].size());
  return elements;
}

namespace {
std::vector<const Primitive*>& registry() {
  static std::vector<const Primitive*> all;
  return all;
}
}  // namespace

const std::vector<const Primitive*>& primitives() { return registry(); }

const Primitive& register_primitive(Primitive primitive) {
  primitive.id = static_cast<int>(registry().size());
  registry().push_back(new Primitive(std::move(primitive)));  // lives as long as the process
  return *registry().back();
}

const Primitive* find_primitive(const char* name) {
  for (const Primitive* primitive : registry())
    if (std::strcmp(primitive->name, name) == 0) return primitive;
  return nullptr;
}

}  // namespace fastnn
