#include "core/trace.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "core/memory_pool.h"

namespace fastnn {
namespace {

std::string named(const Call& call, int operand) {
  return std::string(call.primitive->name) + "'s " + call.primitive->operands[operand].name;
}

std::string at(const std::string& line) { return line.empty() ? "" : " (" + line + ")"; }

class Tracer {
 public:
  Tracer(const Recording& recording, const std::vector<Array>& inputs)
      : recording_(recording), trace_(std::make_unique<Trace>()) {
    trace_->inputs = inputs;
    trace_->lines = recording.lines();
  }

  std::unique_ptr<Trace> run(const std::vector<Array>& results, std::string& refusal) {
    refuse_shared_inputs();
    for (size_t i = 0; i < recording_.notes().size() && refusal_.empty(); ++i) add_note(i);
    for (const Array& result : results) add_result(result);
    find_escaped(results);
    for (Array& input : trace_->inputs) input.block = nullptr, input.data = nullptr;
    refusal = refusal_;
    return refusal_.empty() ? std::move(trace_) : nullptr;
  }

 private:
  struct Owned {
    int32_t index;
    int64_t owners;  // notes and results
    size_t note;     // that made it
  };

  // A block and an address must say which argument they belong to: later ones may lie apart.
  void refuse_shared_inputs() {
    const std::vector<Array>& inputs = trace_->inputs;
    for (size_t i = 0; i < inputs.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (inputs[i].block == inputs[j].block &&
            inputs[i].data < inputs[j].data + inputs[j].bytes() &&
            inputs[j].data < inputs[i].data + inputs[i].bytes())
          refusal_ = "two arguments share memory";
  }

  Place place_of(const Array& array) const {
    if (const auto found = made_.find(array.block); found != made_.end())
      return {Origin::made, found->second.index, array.data - array.block->data};
    for (size_t i = 0; i < trace_->inputs.size(); ++i) {
      const Array& input = trace_->inputs[i];
      if (array.block == input.block && array.data >= input.data &&
          array.data < input.data + std::max<int64_t>(input.bytes(), 1))
        return {Origin::input, static_cast<int32_t>(i), array.data - input.data};
    }
    return {Origin::outside, -1, 0, recording_.is_new(*array.block)};
  }

  void hold(Block* block) {
    retain(block);
    trace_->held.push_back(block);
  }

  void add_note(size_t number) {
    const Call& note = recording_.notes()[number];
    if (note.device != recording_.notes()[0].device)
      refuse(std::string(note.primitive->name) + " runs on " + device_name(note.device) +
                 " and what was called before it on another device",
             number);
    trace_->notes.push_back(note);
    Call& call = trace_->notes.back();
    std::vector<Place> places(static_cast<size_t>(call.total()));
    for_each_array(call, [&](Role role, int operand, int i) {
      Array& array = call.arrays()[i];
      if (role == Role::out || role == Role::scratch) {
        made_[array.block] = {static_cast<int32_t>(trace_->made.size()), 0, number};
        trace_->made.push_back({array.block->bytes, array.block->serial});
      }
      const Place place = place_of(array);
      places[static_cast<size_t>(i)] = place;
      if (role == Role::inout && place.origin == Origin::input)
        refuse("the step writes into its argument: " + named(call, operand), number);
      if (role == Role::inout && place.is_new)
        refuse("the step makes a Variable and writes into it: " + named(call, operand), number);
      if (place.origin == Origin::outside)
        hold(array.block);
      else
        array.data = nullptr;
      if (place.origin == Origin::made) ++made_[array.block].owners;
    });
    for (int i = 0; i < call.total(); ++i)
      if (places[static_cast<size_t>(i)].origin != Origin::outside)
        call.arrays()[i].block = nullptr;
    trace_->places.push_back(std::move(places));
  }

  void add_result(const Array& array) {
    Result result{place_of(array), array};
    if (result.place.origin == Origin::outside)
      hold(array.block);
    else
      result.array.block = nullptr, result.array.data = nullptr;
    trace_->results.push_back(result);
  }

  // A block made in the step that somebody beside notes and results owns would be written again by
  // the next run.
  void find_escaped(const std::vector<Array>& results) {
    for (const Array& result : results)
      if (const auto found = made_.find(result.block); found != made_.end()) ++found->second.owners;
    size_t note = recording_.notes().size();
    for (const auto& [block, made] : made_)
      if (block->references.load(std::memory_order_acquire) > made.owners)
        note = std::min(note, made.note);
    if (note < recording_.notes().size())
      refuse("a tensor made by " + std::string(recording_.notes()[note].primitive->name) +
                 " is kept beyond the step; return it, or keep a copy",
             note);
  }

  void refuse(const std::string& reason, size_t note) {
    if (refusal_.empty()) refusal_ = reason + at(recording_.lines()[note]);
  }

  const Recording& recording_;
  std::unique_ptr<Trace> trace_;
  std::unordered_map<Block*, Owned> made_;
  std::string refusal_;
};

bool same_layout(const Array& a, const Array& b) {
  if (a.dtype != b.dtype || !same_shape(a, b)) return false;
  for (int axis = 0; axis < a.rank; ++axis)
    if (a.strides[axis] != b.strides[axis] && a.shape[axis] > 1) return false;
  return true;
}

// Why the operand that was at `p` in the first run and at `q` in the second is not the same thing.
const char* difference_of(const Trace& first, const Array& a, const Place& p, const Array& b,
                          const Place& q) {
  if (!same_layout(a, b)) return "has another shape or dtype";
  if (q.origin == Origin::outside && p.origin == Origin::outside) {
    if (a.block == b.block) return a.data == b.data ? nullptr : "is read at another place";
    for (const Made& made : first.made)
      if (made.serial == b.block->serial)
        return "was computed by the step before: state must be kept in a Variable, with assign";
    if (!p.is_new || !q.is_new) return "is another tensor from outside the step";
    const bool equal = a.block->bytes == b.block->bytes && a.contiguous() && b.contiguous() &&
                       a.block->device == b.block->device && bytes_of(a) == bytes_of(b);
    return equal ? nullptr : "holds other values that Python computed";
  }
  if (p.origin != q.origin || p.index != q.index || p.offset != q.offset)
    return "comes from another place";
  return nullptr;
}

}  // namespace

std::string bytes_of(const Array& array) {
  std::string bytes(static_cast<size_t>(array.bytes()), '\0');
  if (array.block->device == Device::cpu)
    std::memcpy(bytes.data(), array.data, bytes.size());
  else
    device_driver().read(array, bytes.data());
  return bytes;
}

Trace::~Trace() {
  for (Block* block : held) release(block);
}

std::unique_ptr<Trace> trace_of(const Recording& recording, const std::vector<Array>& inputs,
                                const std::vector<Array>& results, std::string& refusal) {
  refusal = recording.refusal();
  if (!refusal.empty()) return nullptr;
  return Tracer(recording, inputs).run(results, refusal);
}

std::string difference(const Trace& first, const Trace& second) {
  for (size_t n = 0; n < first.notes.size() && n < second.notes.size(); ++n) {
    const Call &a = first.notes[n], &b = second.notes[n];
    const std::string where = at(second.lines[n]);
    if (a.device != b.device)
      return std::string(a.primitive->name) + " ran on another device" + where;
    if (a.primitive != b.primitive)
      return std::string("it called ") + a.primitive->name + " and then " + b.primitive->name +
             where;
    if (std::memcmp(a.first, b.first, sizeof a.first) != 0)
      return std::string(a.primitive->name) + " has other operands" + where;
    if (std::memcmp(a.attributes.bytes, b.attributes.bytes, Attributes::kBytes) != 0)
      return std::string(a.primitive->name) + " has other attributes" + where;
    std::string found;
    for_each_array(a, [&](Role, int operand, int i) {
      const auto index = static_cast<size_t>(i);
      const char* reason = difference_of(first, a.arrays()[i], first.places[n][index],
                                         b.arrays()[i], second.places[n][index]);
      if (reason && found.empty()) found = named(a, operand) + " " + reason + where;
    });
    if (!found.empty()) return found;
  }
  if (first.notes.size() != second.notes.size())
    return "it made " + std::to_string(first.notes.size()) + " calls and then " +
           std::to_string(second.notes.size());
  if (first.results.size() != second.results.size()) return "it has other results";
  for (size_t i = 0; i < first.results.size(); ++i) {
    const Result &a = first.results[i], &b = second.results[i];
    if (const char* reason = difference_of(first, a.array, a.place, b.array, b.place))
      return "result " + std::to_string(i) + " " + reason;
  }
  return "";
}

}  // namespace fastnn
