// ctc_beam: the most probable labellings of connectionist temporal classification. An example is a
// task.
//
// Method: prefix beam search. A. Graves, N. Jaitly, "Towards end-to-end speech recognition with
// recurrent neural networks", ICML 2014, algorithm 1, without a language model; as in A. Hannun et
// al., "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
// DNNs", 2014, paths that end in a blank and paths that end in a label are summed apart. Prefixes
// are the nodes of a tree, so that each is there once. Sums are float64, in log space.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "ops/all.h"
#include "ops/checks.h"
#include "ops/ctc.h"
#include "ops/deal.h"
#include "ops/gemm.h"
#include "ops/indices.h"

namespace fastnn {
namespace {

enum { Paths, Scores, Scratch, LogProbs, Lengths };
constexpr int32_t kNone = -1;
constexpr double kNothing = -std::numeric_limits<double>::infinity();

struct BeamAttributes {
  int64_t width, top_paths, blank;
};

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kNothing ? a : a + std::log1p(std::exp(b - a));
}

// A prefix: the path from the root. `beam`: its place among the beams, or kNone.
struct Node {
  int32_t parent, label, first_child, sibling, beam;
};

// A prefix that is kept, with the log probabilities of the paths that end in a blank, in its last
// label, and in either.
struct Beam {
  int32_t node;
  double blank, label, total;
};

// What may be kept next: of `count` beams, number `order` as it is, or, from `count` on, a beam
// extended by a label, in order of the beams and then the labels. Of equal ones the first is
// better.
struct Candidate {
  double total;
  int64_t order;
};

bool better(const Candidate& a, const Candidate& b) {
  return a.total != b.total ? a.total > b.total : a.order < b.order;
}

// The scratch memory of one example: where its parts begin.
struct Room {
  int64_t beams, stays, next, candidates, taken, all;

  Room(int64_t frames, int64_t classes, int64_t width) {
    const int64_t some = aligned(width * static_cast<int64_t>(sizeof(Beam)));
    beams = aligned((1 + frames * width) * static_cast<int64_t>(sizeof(Node)));
    stays = beams + some;
    next = stays + some;
    candidates = next + some;
    taken = candidates + aligned(2 * width * static_cast<int64_t>(sizeof(Candidate)));
    all = taken + aligned(classes);
  }
};

class Search {
 public:
  Search(char* memory, const Room& room, int64_t classes, const BeamAttributes& attributes)
      : nodes_(reinterpret_cast<Node*>(memory)),
        beams_(reinterpret_cast<Beam*>(memory + room.beams)),
        stays_(reinterpret_cast<Beam*>(memory + room.stays)),
        next_(reinterpret_cast<Beam*>(memory + room.next)),
        candidates_(reinterpret_cast<Candidate*>(memory + room.candidates)),
        taken_(memory + room.taken),
        classes_(static_cast<int32_t>(classes)),
        blank_(static_cast<int32_t>(attributes.blank)),
        width_(attributes.width) {
    nodes_[0] = {kNone, kNone, kNone, kNone, 0};
    beams_[0] = {0, 0, kNothing, 0};
    std::fill(taken_, taken_ + classes, char{0});
  }

  // A frame more, of log probabilities below infinity.
  template <class T>
  void step(const T* log_probs) {
    offered_ = 0;
    least_ = kNothing;
    for (int64_t b = 0; b < count_; ++b) keep(b, log_probs);
    for (int64_t b = 0; b < count_; ++b) extend(b, log_probs);
    if (offered_ > width_) prune();
    std::sort(candidates_, candidates_ + offered_, better);
    for (int64_t b = 0; b < count_; ++b) nodes_[beams_[b].node].beam = kNone;
    for (int64_t i = 0; i < offered_; ++i) {
      const int64_t order = candidates_[i].order, behind = order - count_;
      const double total = candidates_[i].total;
      next_[i] =
          order < count_
              ? stays_[order]
              : Beam{child(beams_[behind / classes_].node, static_cast<int32_t>(behind % classes_)),
                     kNothing, total, total};
      nodes_[next_[i].node].beam = static_cast<int32_t>(i);
    }
    std::swap(beams_, next_);
    count_ = offered_;
  }

  // Labels and log probability of the prefix of that rank, padded; without one, padding only.
  double read(int64_t rank, int32_t* path, int64_t frames) const {
    std::fill(path, path + frames, kNone);
    if (rank >= count_) return kNothing;
    int64_t length = 0;
    for (int32_t n = beams_[rank].node; n != 0; n = nodes_[n].parent) ++length;
    for (int32_t n = beams_[rank].node; n != 0; n = nodes_[n].parent)
      path[--length] = nodes_[n].label;
    return beams_[rank].total;
  }

 private:
  // The log probability of beam b followed by a label: after the same label only from a blank.
  template <class T>
  double extended(const Beam& beam, int32_t label, const T* log_probs) const {
    return (label == nodes_[beam.node].label ? beam.blank : beam.total) +
           static_cast<double>(log_probs[label]);
  }

  // Beam b as it is: by a blank, by its last label again, or reached from its parent.
  template <class T>
  void keep(int64_t b, const T* log_probs) {
    const Beam& beam = beams_[b];
    const Node& node = nodes_[beam.node];
    const double blank = beam.total + static_cast<double>(log_probs[blank_]);
    double label = kNothing;
    if (node.label != kNone) {
      label = beam.label + static_cast<double>(log_probs[node.label]);
      if (const int32_t parent = nodes_[node.parent].beam; parent != kNone)
        label = log_add(label, extended(beams_[parent], node.label, log_probs));
    }
    stays_[b] = {beam.node, blank, label, log_add(blank, label)};
    offer(stays_[b].total, b);
  }

  // Beam b with each label behind it, unless that is a beam itself.
  template <class T>
  void extend(int64_t b, const T* log_probs) {
    const Beam& beam = beams_[b];
    mark_children(beam.node, 1);
    for (int32_t label = 0; label < classes_; ++label) {
      if (label == blank_ || taken_[label]) continue;
      offer(extended(beam, label, log_probs), count_ + b * classes_ + label);
    }
    mark_children(beam.node, 0);
  }

  void mark_children(int32_t node, char mark) {
    for (int32_t n = nodes_[node].first_child; n != kNone; n = nodes_[n].sibling)
      if (nodes_[n].beam != kNone) taken_[nodes_[n].label] = mark;
  }

  // Nothing below `least_` can be kept any more, nor what is impossible.
  void offer(double total, int64_t order) {
    if (!(total > kNothing) || total < least_) return;
    candidates_[offered_++] = {total, order};
    if (offered_ == 2 * width_) prune();
  }

  void prune() {
    std::nth_element(candidates_, candidates_ + width_ - 1, candidates_ + offered_, better);
    offered_ = width_;
    least_ = candidates_[width_ - 1].total;
  }

  int32_t child(int32_t parent, int32_t label) {
    for (int32_t n = nodes_[parent].first_child; n != kNone; n = nodes_[n].sibling)
      if (nodes_[n].label == label) return n;
    nodes_[used_] = {parent, label, kNone, nodes_[parent].first_child, kNone};
    return nodes_[parent].first_child = used_++;
  }

  Node* nodes_;
  Beam *beams_, *stays_, *next_;
  Candidate* candidates_;
  char* taken_;  // by class
  int32_t classes_, blank_, used_ = 1;
  int64_t width_, count_ = 1, offered_ = 0;
  double least_ = kNothing;
};

void infer(Call& call) {
  check_float(call, LogProbs);
  check_rank(call, LogProbs, 3);
  const auto& attributes = call.attributes.as<BeamAttributes>();
  const Array& log_probs = call.operand(LogProbs);
  const int64_t batch = log_probs.shape[0], frames = log_probs.shape[1];
  check_ctc_lengths(call, Lengths, batch);
  check_ctc_blank(call, attributes.blank, log_probs.shape[2]);
  if (attributes.width < 1)
    fail(ErrorKind::value, call,
         "beam_width is " + std::to_string(attributes.width) + ", expected 1 or more");
  if (attributes.top_paths < 1 || attributes.top_paths > attributes.width)
    fail(ErrorKind::value, call,
         "top_paths is " + std::to_string(attributes.top_paths) + ", expected 1 to beam_width, " +
             std::to_string(attributes.width));
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (log_probs.shape[2] > kMost || attributes.width > kMost / (frames + 2))
    fail(ErrorKind::overflow, call,
         "a beam_width of " + std::to_string(attributes.width) +
             " is too large for inputs of shape " + shape_text(log_probs));
  const int64_t paths[] = {attributes.top_paths, batch, frames};
  const int64_t scores[] = {batch, attributes.top_paths};
  call.set_output(Paths, DType::int32, 3, paths);
  call.set_output(Scores, log_probs.dtype, 2, scores);
  const int64_t slots = std::min<int64_t>(batch, thread_count());
  call.set_scratch(Scratch, slots * Room(frames, log_probs.shape[2], attributes.width).all);
}

template <class T>
void search(const Call& call, const Room& room, int64_t i, char* memory) {
  const auto& attributes = call.attributes.as<BeamAttributes>();
  const Array& all = call.operand(LogProbs);
  const int64_t batch = all.shape[0], frames = all.shape[1], classes = all.shape[2];
  const int64_t length = std::clamp<int64_t>(index_at(call.operand(Lengths), i), 0, frames);
  const T* log_probs = all.as<T>() + i * frames * classes;
  Search beams(memory, room, classes, attributes);
  bool numbers = true;  // else nothing is known: NaN
  for (int64_t t = 0; t < length && numbers; ++t, log_probs += classes) {
    numbers = std::all_of(log_probs, log_probs + classes,
                          [](T x) { return x < std::numeric_limits<T>::infinity(); });
    if (numbers) beams.step(log_probs);
  }
  for (int64_t rank = 0; rank < attributes.top_paths; ++rank) {
    int32_t* path = call.operand(Paths).as<int32_t>() + (rank * batch + i) * frames;
    const double score = beams.read(numbers ? rank : attributes.width, path, frames);
    call.operand(Scores).as<T>()[i * attributes.top_paths + rank] =
        numbers ? static_cast<T>(score) : std::numeric_limits<T>::quiet_NaN();
  }
}

Status run(const Call& call) {
  const Array &log_probs = call.operand(LogProbs), &scratch = call.operand(Scratch);
  const int64_t batch = log_probs.shape[0], frames = log_probs.shape[1];
  for (int64_t i = 0; i < batch; ++i)
    if (const int64_t length = index_at(call.operand(Lengths), i); length < 0 || length > frames)
      return {1, i, length};
  if (batch == 0) return {};
  const Room room(frames, log_probs.shape[2], call.attributes.as<BeamAttributes>().width);
  deal(scratch.size() / room.all, batch, 1, 1, [&](int64_t i, int64_t, int64_t slot, int64_t) {
    char* memory = scratch.data + slot * room.all;
    log_probs.dtype == DType::float32 ? search<float>(call, room, i, memory)
                                      : search<double>(call, room, i, memory);
  });
  return {};
}

Error describe(const Call& call, const Status& status) {
  return ctc_length_error(call, Lengths, status, call.operand(LogProbs).shape[1]);
}

double cost(const Call& call) {
  return 4.0 * static_cast<double>(call.operand(LogProbs).size()) *
         static_cast<double>(call.attributes.as<BeamAttributes>().width);
}

}  // namespace

void register_ctc_beam() {
  register_primitive({"ctc_decode",
                      {{"paths", Role::out},
                       {"scores", Role::out},
                       {"scratch", Role::scratch},
                       {"inputs", Role::in},
                       {"sequence_lengths", Role::in}},
                      {{"beam_width", AttributeKind::integer, offsetof(BeamAttributes, width)},
                       {"top_paths", AttributeKind::integer, offsetof(BeamAttributes, top_paths)},
                       {"mask_index", AttributeKind::integer, offsetof(BeamAttributes, blank)}},
                      infer,
                      run,
                      describe,
                      cost});
}

}  // namespace fastnn
