// A list of tensors as one long sequence, so that work is cut without regard to tensor borders and
// many small tensors cost little.
#pragma once

#include "core/primitive.h"
#include "ops/tasks.h"

namespace fastnn {

// ends[i]: units in the tensors up to and including i; a unit is an element, or a piece of one
// tensor of at most `per_unit` elements.
class FlatList {
 public:
  FlatList(const FlatList&) = delete;
  FlatList& operator=(const FlatList&) = delete;

  // What a list of that length asks for; none for short ones.
  static int64_t scratch_bytes(int count) {
    return count <= kShort ? 0 : (static_cast<int64_t>(count) * 8 + 63) / 64 * 64;
  }

  FlatList(const Call& call, int operand, int64_t per_unit, char* scratch)
      : count_(call.count(operand)) {
    ends_ = count_ <= kShort ? short_ : reinterpret_cast<int64_t*>(scratch);
    int64_t end = 0;
    for (int i = 0; i < count_; ++i) {
      end += ceil_div(call.operand(operand, i).size(), per_unit);
      ends_[i] = end;
    }
  }

  int64_t units() const { return count_ ? ends_[count_ - 1] : 0; }

  // visit(tensor, first unit, end unit), both counted within the tensor, for units [begin, end).
  template <class Visit>
  void for_each(int64_t begin, int64_t end, Visit&& visit) const {
    int low = 0, high = count_;  // the first tensor that ends beyond `begin`
    while (low < high) {
      const int middle = (low + high) / 2;
      if (ends_[middle] > begin)
        high = middle;
      else
        low = middle + 1;
    }
    for (int i = low; i < count_ && begin < end; ++i) {
      const int64_t start = i ? ends_[i - 1] : 0, stop = ends_[i] < end ? ends_[i] : end;
      if (begin < stop) visit(i, begin - start, stop - start);
      begin = stop > begin ? stop : begin;
    }
  }

 private:
  static constexpr int kShort = 32;
  int64_t short_[kShort];
  int64_t* ends_;
  int count_;
};

// Calls body(tensor, first, count) for all elements of a list whose units are elements, cut into
// short tasks: lists come from loops in Python, in which the threads fall asleep.
template <class Body>
void for_elements(const FlatList& list, Body&& body) {
  constexpr int64_t kTaskElements = 1 << 14;
  for_pieces(
      list.units(), kTaskElements,
      [&](int64_t begin, int64_t count) {
        list.for_each(begin, begin + count,
                      [&](int i, int64_t first, int64_t stop) { body(i, first, stop - first); });
      },
      true);
}

// The value of a 0-d floating-point operand.
inline double number_of(const Array& x) {
  return x.dtype == DType::float32 ? static_cast<double>(*x.as<float>()) : *x.as<double>();
}

}  // namespace fastnn
