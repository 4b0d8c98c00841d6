// The protocol between operations and backends: what a primitive is, and what a call of it is.
//
// A primitive reads its operands and its attributes and nothing else: no static state, no
// allocation (scratch memory is an operand). A call is data: it can be kept, compared and run
// again.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/array.h"
#include "core/device.h"
#include "core/op_codes.h"

namespace fastnn {

// What a check throws; the binding turns it into the Python exception of that kind.
enum class ErrorKind : uint8_t { value, type, index, overflow, memory, runtime };
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind(kind) {}
  ErrorKind kind;
};

enum class Role : uint8_t {
  in,      // read
  out,     // written; allocated by the caller from `infer`
  inout,   // read and written in place: the state of a Variable
  scratch  // written and forgotten; allocated by the caller from `infer`
};

struct OperandInfo {
  const char* name;
  Role role;
  bool optional = false;
  bool list = false;     // any number of arrays
  bool strided = false;  // may be read through strides; others are handed over row-major
};

enum class AttributeKind : uint8_t {
  integer,   // int64_t
  real,      // double
  boolean,   // int64_t, 0 or 1
  code,      // int64_t, an index into `codes`
  axes,      // int64_t, bit i set: axis i (Python: a tuple of non-negative integers)
  integers,  // int64_t[most + 1]: count, then values (Python: a tuple)
  dtype,     // int64_t, a DType (Python: its name)
  text,      // char[kTextBytes], zero-terminated, cut off where it is longer (Python: str)
  reals      // int64_t, double[most]: count, then values (Python: a tuple)
};

constexpr int kTextBytes = 64;

struct AttributeInfo {
  const char* name;
  AttributeKind kind;
  uint16_t offset;           // into Attributes::bytes
  double default_value = 0;  // for trailing attributes that the caller leaves out
  CodeList (*codes)() = nullptr;
  int most = kMaxRank;  // values of `integers` and `reals`
};

// The attributes of one call by value: a plain struct of the primitive's own, zero-filled.
struct Attributes {
  static constexpr size_t kBytes = 192;
  alignas(8) unsigned char bytes[kBytes] = {};

  template <class T>
  T& as() {
    static_assert(sizeof(T) <= kBytes, "attributes too large");
    return *reinterpret_cast<T*>(bytes);
  }
  template <class T>
  const T& as() const {
    return *reinterpret_cast<const T*>(bytes);
  }
};

// What a run found in the values it read (labels, indices): nothing was written out of bounds.
struct Status {
  int32_t code = 0;  // 0: fine; else a code of the primitive's own, worded by Primitive::describe
  int64_t where = 0;
  int64_t value = 0;
};

struct Primitive;
struct Program;  // program.h
constexpr int kMaxOperands = 16;

// One call. Operand j is arrays[first[j]] ... arrays[first[j + 1] - 1]; an absent optional operand
// has no array. `infer` fills in the shapes and dtypes of `out` and `scratch` operands.
struct Call {
  const Primitive* primitive = nullptr;
  Attributes attributes;
  uint16_t first[kMaxOperands + 1] = {};
  Device device = Device::cpu;          // that of its operands and outputs
  std::vector<Array>* spill = nullptr;  // set when the arrays do not fit inline
  const char* prepared = nullptr;       // what Primitive::prepare wrote; null: a run does it itself
  std::shared_ptr<const Program> program;  // set when a backend compiled the call
  static constexpr int kInline = 12, kMostArrays = UINT16_MAX;
  Array inline_arrays[kInline];

  Call() = default;
  Call(const Call& other) { *this = other; }
  Call& operator=(const Call& other);
  ~Call() {
    if (spill) put_back();
  }

  // Moves `count` inline arrays to a vector: the last that this thread put back, for one of many
  // arrays is so large that the system takes its memory back at once.
  void spill_over(int count);

  Array* arrays() { return spill ? spill->data() : inline_arrays; }
  const Array* arrays() const { return spill ? spill->data() : inline_arrays; }

  int count(int operand) const { return first[operand + 1] - first[operand]; }
  bool has(int operand) const { return count(operand) != 0; }
  int total() const;  // arrays of all operands
  Array& operand(int j, int i = 0) { return arrays()[first[j] + i]; }
  const Array& operand(int j, int i = 0) const { return arrays()[first[j] + i]; }

  // Opens room for n arrays as operand j (for optional and list outputs, in `infer`).
  void resize(int j, int n);

  // Describes output or scratch j (of a list: item i), for use in `infer`.
  Array& set_output(int j, DType dtype, int rank, const int64_t* shape, int i = 0);
  Array& set_output_like(int j, const Array& like, int i = 0) {
    return set_output(j, like.dtype, like.rank, like.shape, i);
  }
  void set_scratch(int j, int64_t bytes) { set_output(j, DType::uint8, 1, &bytes); }

  // What messages call it: the primitive, or the operation that it is for ("add", not "binary").
  std::string name() const;

 private:
  void put_back();
};

// One record a primitive: the only place of its checks and their wording, for every backend.
struct Primitive {
  const char* name;
  std::vector<OperandInfo> operands;  // in the order of the specification: outputs first
  std::vector<AttributeInfo> attributes;

  // Checks operands and attributes (throws Error), then describes outputs and scratch.
  void (*infer)(Call& call);

  // The native kernels; null while only other backends have it.
  Status (*native)(const Call& call) = nullptr;

  // The message for a non-zero status.
  Error (*describe)(const Call& call, const Status& status) = nullptr;

  // About how many elementary operations a call takes; null: the elements of its operands.
  double (*cost)(const Call& call) = nullptr;

  // Which outputs may share the block of which input: (output, input) pairs.
  std::vector<std::pair<int, int>> may_alias = {};

  // What a run makes first of operand `preparable`, and of nothing else: weights as kernels read
  // them. Who runs a call more than once may keep it while that operand stays as it is. A call has
  // nothing to prepare where `prepared_bytes` is 0, or null.
  int preparable = -1;
  int64_t (*prepared_bytes)(const Call& call) = nullptr;
  void (*prepare)(const Call& call, char* to) = nullptr;

  int id = -1;  // index into `primitives()`
};

inline int Call::total() const { return first[primitive->operands.size()]; }

// Calls visit(role, operand, array) for every array of a call.
template <class AnyCall, class Visit>
void for_each_array(AnyCall& call, Visit visit) {
  const auto& operands = call.primitive->operands;
  for (size_t j = 0; j < operands.size(); ++j)
    for (int i = call.first[j]; i < call.first[j + 1]; ++i)
      visit(operands[j].role, static_cast<int>(j), i);
}

// About how many elementary operations a call takes.
double cost_of(const Call& call);

// Every primitive, in order of registration. Each family of csrc/ops adds its own.
const std::vector<const Primitive*>& primitives();
const Primitive& register_primitive(Primitive primitive);
const Primitive* find_primitive(const char* name);

}  // namespace fastnn
