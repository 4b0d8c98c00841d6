#include "core/plan_rewrites.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace fastnn {
namespace {

// Operands, by the records of the primitives.
namespace conv {
enum { Y, Z };
}
namespace max_pool {
enum { Y, Which, X };
}
namespace max_pool_backward {
enum { Dx, Dy, Which };
}
namespace unary {
enum { Y, X };
}
namespace unary_backward {
enum { Dx, Dy, Value };
}

bool is_native(const Call& call, const char* name) {
  return call.device == Device::cpu && !call.program &&
         std::strcmp(call.primitive->name, name) == 0;
}

const AttributeInfo& info_of(const Call& call, const char* name) {
  const auto& all = call.primitive->attributes;
  return *std::find_if(all.begin(), all.end(), [&](const AttributeInfo& info) {
    return std::strcmp(info.name, name) == 0;
  });
}

int64_t& attribute(Call& call, const char* name) {
  return *reinterpret_cast<int64_t*>(call.attributes.bytes + info_of(call, name).offset);
}

bool has_code(Call& call, const char* name, const char* code) {
  return std::strcmp(info_of(call, name).codes().names[attribute(call, name)], code) == 0;
}

void set_code(Call& call, const char* name, const char* code) {
  const CodeList codes = info_of(call, name).codes();
  for (int i = 0; i < codes.count; ++i)
    if (std::strcmp(codes.names[i], code) == 0) attribute(call, name) = i;
}

class Swap {
 public:
  explicit Swap(Trace& trace) : trace_(trace), recorded_(trace.made.size()) {
    std::iota(recorded_.begin(), recorded_.end(), 0);
    find_uses();
  }

  std::vector<int32_t> run() {
    for (size_t n = 0; n < trace_.notes.size(); ++n)
      if (try_relu(n)) find_uses();
    return std::move(recorded_);
  }

 private:
  struct Use {
    size_t note;
    int operand;
    Role role;
  };

  void find_uses() {
    uses_.assign(trace_.made.size(), {});
    elements_.assign(trace_.made.size(), 0);
    for (size_t n = 0; n < trace_.notes.size(); ++n)
      for_each_array(trace_.notes[n], [&](Role role, int operand, int i) {
        const Place& place = trace_.places[n][static_cast<size_t>(i)];
        if (place.origin != Origin::made) return;
        uses_[static_cast<size_t>(place.index)].push_back({n, operand, role});
        if (role == Role::out)
          elements_[static_cast<size_t>(place.index)] = trace_.notes[n].arrays()[i].size();
      });
  }

  // The made block that an operand is all of, in its order; -1: none.
  int32_t made(size_t note, int operand) const {
    const Call& call = trace_.notes[note];
    if (!call.has(operand)) return -1;
    const Array& array = call.operand(operand);
    const Place& place = trace_.places[note][call.first[operand]];
    const bool whole = place.origin == Origin::made && place.offset == 0 && array.contiguous() &&
                       array.size() == elements_[static_cast<size_t>(place.index)];
    return whole ? place.index : -1;
  }
  const std::vector<Use>& uses(int32_t block) const { return uses_[static_cast<size_t>(block)]; }
  bool is_result(int32_t block) const {
    return std::any_of(trace_.results.begin(), trace_.results.end(), [&](const Result& result) {
      return result.place.origin == Origin::made && result.place.index == block;
    });
  }
  // Of a block that one call made and nobody writes again, the call; else none.
  const Use* maker(int32_t block, const char* primitive, int operand) const {
    if (block < 0) return nullptr;
    const Use* found = nullptr;
    for (const Use& use : uses(block)) {
      if (use.role == Role::in) continue;
      if (found || use.role != Role::out) return nullptr;
      found = &use;
    }
    const bool fits =
        found && found->operand == operand && is_native(trace_.notes[found->note], primitive);
    return fits ? found : nullptr;
  }
  // Whether all who read a block are such calls and operands, and it is no result.
  template <class Test>
  bool read_by(int32_t block, Test test) const {
    return !is_result(block) &&
           std::all_of(uses(block).begin(), uses(block).end(),
                       [&](const Use& use) { return use.role != Role::in || test(use); });
  }
  // Whether a later call writes to where an operand lies.
  bool is_written_after(size_t note, int operand) const {
    const auto array = static_cast<size_t>(trace_.notes[note].first[operand]);
    const Place& place = trace_.places[note][array];
    const Block* block = trace_.notes[note].arrays()[array].block;
    bool found = false;
    for (size_t n = note + 1; n < trace_.notes.size() && !found; ++n)
      for_each_array(trace_.notes[n], [&](Role role, int, int i) {
        const Place& other = trace_.places[n][static_cast<size_t>(i)];
        found = found || (role == Role::inout && other.origin == place.origin &&
                          other.index == place.index && trace_.notes[n].arrays()[i].block == block);
      });
    return found;
  }
  bool is_relu(size_t note, const char* primitive) const {
    return is_native(trace_.notes[note], primitive) && has_code(trace_.notes[note], "op", "relu");
  }

  bool try_relu(size_t relu) {
    if (!is_relu(relu, "unary")) return false;
    const int32_t y = made(relu, unary::X), z = made(relu, unary::Y);
    const Use* pool = maker(y, "max_pool", max_pool::Y);
    if (!pool || !maker(z, "unary", unary::Y)) return false;
    const size_t p = pool->note;
    const int32_t x = made(p, max_pool::X), which = made(p, max_pool::Which);
    const Use* producer = maker(x, "conv", conv::Y);
    if (!producer || attribute(trace_.notes[p], "through_relu") != 0) return false;
    // A window with dilation may hold nothing: its result, -infinity, is relu's to change.
    if (attribute(trace_.notes[p], "dilation") != 0) return false;
    Call& convolution = trace_.notes[producer->note];
    if (!has_code(convolution, "activation", "linear") || convolution.has(conv::Z)) return false;
    if (!read_by(x, [&](const Use& use) { return use.note == p; })) return false;

    const auto slopes = [&](const Use& use) {
      return use.operand == unary_backward::Value && is_relu(use.note, "unary_backward") &&
             made(use.note, unary_backward::Value) >= 0;
    };
    if (!read_by(y, [&](const Use& use) { return use.note == relu || slopes(use); })) return false;
    // Where gradients come from that relu's gradient made, and who reads them.
    std::vector<Use> slope_calls;
    for (const int32_t value : {y, z})
      for (const Use& use : uses(value))
        if (use.role == Role::in && slopes(use)) slope_calls.push_back(use);
    const auto is_masked = [&](const Use& use) {  // a gradient of this pooling behind relu's
      if (!is_native(trace_.notes[use.note], "max_pool_backward") ||
          made(use.note, max_pool_backward::Which) != which)
        return false;
      const int32_t dy = made(use.note, max_pool_backward::Dy);
      return std::any_of(slope_calls.begin(), slope_calls.end(), [&](const Use& slope) {
        return dy >= 0 && made(slope.note, unary_backward::Dx) == dy;
      });
    };
    if (which >= 0 && !read_by(which, is_masked)) return false;
    for (const Use& slope : slope_calls) {
      const int32_t dy = made(slope.note, unary_backward::Dx);
      const Call& call = trace_.notes[slope.note];
      if (dy < 0 || !maker(dy, "unary_backward", unary_backward::Dx) ||
          !call.operand(unary_backward::Dy).contiguous() ||
          is_written_after(slope.note, unary_backward::Dy) || which < 0 ||
          !read_by(
              dy,
              [&](const Use& use) {
                return use.operand == max_pool_backward::Dy && is_masked(use);
              }))
        return false;
    }

    set_code(convolution, "activation", "relu");
    attribute(trace_.notes[p], "through_relu") = 1;
    recorded_[static_cast<size_t>(x)] = -1;
    recorded_[static_cast<size_t>(y)] = z;
    if (which >= 0) recorded_[static_cast<size_t>(which)] = -1;
    for (const Use& slope : slope_calls) pass_gradient(slope.note);
    read_instead(z, y);
    return true;
  }

  // Who reads relu's gradient reads what that was made of.
  void pass_gradient(size_t slope) {
    const Call& call = trace_.notes[slope];
    const auto from = static_cast<size_t>(call.first[unary_backward::Dy]);
    for (const Use& use : uses(made(slope, unary_backward::Dx)))
      if (use.role == Role::in) {
        const auto to = static_cast<size_t>(trace_.notes[use.note].first[use.operand]);
        Array& array = trace_.notes[use.note].arrays()[to];  // which may have another shape
        array.block = call.arrays()[from].block;
        array.data = call.arrays()[from].data;
        trace_.places[use.note][to] = trace_.places[slope][from];
      }
  }

  void read_instead(int32_t block, int32_t other) {
    for (const Use& use : uses(block)) {
      if (use.role != Role::in) continue;
      for (Place& place : trace_.places[use.note])
        if (place.origin == Origin::made && place.index == block) place.index = other;
    }
    for (Result& result : trace_.results)
      if (result.place.origin == Origin::made && result.place.index == block)
        result.place.index = other;
  }

  Trace& trace_;
  std::vector<std::vector<Use>> uses_;  // of each made block, in the order of the calls
  std::vector<int64_t> elements_;       // of what was made there
  std::vector<int32_t> recorded_;       // which made block held the values of each
};

}  // namespace

std::vector<int32_t> swap_relu_and_max_pool(Trace& trace) { return Swap(trace).run(); }

}  // namespace fastnn
