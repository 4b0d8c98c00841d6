// A recording told without addresses, so that it can be compared with another and run again on
// other memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/recording.h"

namespace fastnn {

// Where an operand's block comes from.
enum class Origin : uint8_t {
  outside,  // it was there before: weights, state, constants
  input,    // an argument of the step
  made      // an output or scratch memory of an earlier note
};

struct Place {
  Origin origin = Origin::outside;
  int32_t index = -1;   // which input, or which made block
  int64_t offset = 0;   // bytes from the start of the input's elements, or of the block
  bool is_new = false;  // from outside, but made by the step's own program: a constant
};

// One thing that the step hands out.
struct Result {
  Place place;
  Array array;  // shape and dtype; the block only if it is from outside
};

struct Made {
  size_t bytes;
  uint64_t serial;
};

struct Trace {
  Trace() = default;
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace();

  std::vector<Call> notes;                 // outside blocks are held; others' addresses are null
  std::vector<std::vector<Place>> places;  // of each array of each note
  std::vector<std::string> lines;          // of the user's program
  std::vector<Array> inputs;               // shapes and dtypes
  std::vector<Result> results;
  std::vector<Made> made;
  std::vector<Block*> held;
};

// A recording that has stopped, its inputs and its results (each the array of one Tensor) as a
// trace; null with the reason in `refusal` when no plan could be made of it.
std::unique_ptr<Trace> trace_of(const Recording& recording, const std::vector<Array>& inputs,
                                const std::vector<Array>& results, std::string& refusal);

// What keeps `second` from being another run of the same step as `first`; empty: nothing.
std::string difference(const Trace& first, const Trace& second);

// The elements of a contiguous array, from where it lies.
std::string bytes_of(const Array& array);

}  // namespace fastnn
