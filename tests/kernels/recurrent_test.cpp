#include <doctest/doctest.h>

#include "tests/kernels/close.h"

using namespace firn;

namespace {

constexpr double kEps = std::numeric_limits<real>::epsilon();

struct Case {
  Index n, t, h;
  bool reverse, lengths;
};

using Doubles = std::vector<double>;

Doubles doubles(const Guarded& x) {
  return {x.data(), x.data() + x.count()};
}

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// The usual spread of a recurrent weight.
double bound(Index h) {
  return 1 / std::sqrt(static_cast<double>(h));
}

/// The inputs of a case; `gates` is 4 for an LSTM, 3 for a GRU.
struct Inputs {
  Inputs(const Case& a_case, Index a_gates)
      : c(a_case),
        gates(a_gates),
        pre(random_block(c.n * c.t * gates * c.h, 1, -2, 2, 1)),
        weight(random_block(c.h * gates * c.h, 2, -bound(c.h), bound(c.h))),
        bias(random_block(gates * c.h, 3)),
        dhidden(random_block(c.n * c.t * c.h, 4)) {
    for (Index n = 0; n < c.n; ++n) lengths.push_back(static_cast<std::int32_t>((n * 3 + 2) % (c.t + 1)));
    // What lies beyond a sequence's end must not be looked at.
    for (Index n = 0; n < c.n && c.lengths; ++n) {
      for (Index i = lengths[at(n)] * gates * c.h; i < c.t * gates * c.h; ++i) {
        pre[n * c.t * gates * c.h + i] = std::numeric_limits<real>::quiet_NaN();
      }
      for (Index i = lengths[at(n)] * c.h; i < c.t * c.h; ++i) {
        dhidden[n * c.t * c.h + i] = std::numeric_limits<real>::quiet_NaN();
      }
    }
  }
  const std::int32_t* valid() const { return c.lengths ? lengths.data() : nullptr; }
  RecurrentGeometry geometry() const { return {c.t, c.h, c.reverse}; }

  Case c;
  Index gates;
  Guarded pre, weight, bias, dhidden;
  std::vector<std::int32_t> lengths;
};

/// h of every step from the definitions, a sequence at a time. q_extra is added to h_{t-1} * W_hh + b_hh of a
/// GRU.
Doubles direct_hidden(const Inputs& in, const Doubles& pre, const Doubles& q_extra) {
  const Index h = in.c.h, width = in.gates * h;
  Doubles hidden(at(in.c.n * in.c.t * h));
  for (Index n = 0; n < in.c.n; ++n) {
    const Index valid = in.c.lengths ? in.lengths[at(n)] : in.c.t;
    Doubles state(at(h)), cell(at(h));
    for (Index s = 0; s < valid; ++s) {
      const Index step = n * in.c.t + (in.c.reverse ? valid - 1 - s : s);
      Doubles q(at(width));
      for (Index j = 0; j < width; ++j) {
        if (in.gates == 3) q[at(j)] = in.bias[j] + q_extra[at(step * width + j)];
        for (Index k = 0; k < h; ++k) q[at(j)] += state[at(k)] * in.weight[k * width + j];
      }
      for (Index u = 0; u < h; ++u) {
        const auto p = [&](Index g) { return pre[at(step * width + g * h + u)]; };
        const auto r = [&](Index g) { return q[at(g * h + u)]; };
        if (in.gates == 4) {
          cell[at(u)] = sigmoid(p(1) + r(1)) * cell[at(u)] + sigmoid(p(0) + r(0)) * std::tanh(p(2) + r(2));
          state[at(u)] = sigmoid(p(3) + r(3)) * std::tanh(cell[at(u)]);
        } else {
          const double z = sigmoid(p(1) + r(1));
          state[at(u)] = (1 - z) * std::tanh(p(2) + sigmoid(p(0) + r(0)) * r(2)) + z * state[at(u)];
        }
        hidden[at(step * h + u)] = state[at(u)];
      }
    }
  }
  return hidden;
}

/// A product of rows of k numbers with a weight (k,n).
ConvGeometry row(Index k, Index n) {
  ConvGeometry g;
  g.h = g.w = g.oh = g.ow = 1;
  g.c = k;
  g.oc = n;
  return g;
}

/// What one table makes of the inputs.
struct Outputs {
  Guarded hidden, gates, cell, dpre, dq;

  /// The products by `unit`, or where null by the set's own kernels.
  Outputs(const Inputs& in, Isa isa, const MatrixUnit* unit = nullptr)
      : hidden(in.c.n * in.c.t * in.c.h, 1),
        gates(in.c.n * in.c.t * 4 * in.c.h),
        cell(hidden.count()),
        dpre(in.pre.count(), 2),
        dq(in.gates == 3 ? in.pre.count() : 0) {
    const RecurrentKernels& k = kernels(isa).recurrent;
    const bool lstm = in.gates == 4;
    const MatrixKernels& m = kernels(isa).matrix;
    const ConvGeometry rows = row(in.c.h, in.gates * in.c.h), columns = row(in.gates * in.c.h, in.c.h);
    Guarded packed(unit != nullptr ? m.weight_count(rows) : k.packed_count(in.gates, in.c.h)),
        transposed(unit != nullptr ? m.weight_count(columns) : k.packed_transposed_count(in.gates, in.c.h));
    if (unit != nullptr) {
      m.pack(rows, in.weight.data(), packed.data());
      Guarded turned(in.weight.count());
      for (Index i = 0; i < rows.c; ++i) {
        for (Index j = 0; j < rows.oc; ++j) turned[j * rows.c + i] = in.weight[i * rows.oc + j];
      }
      m.pack(columns, turned.data(), transposed.data());
    } else {
      k.pack(in.gates, in.c.h, in.weight.data(), packed.data());
      k.pack_transposed(in.gates, in.c.h, in.weight.data(), transposed.data());
    }
    const RecurrentWeight weight{packed.data(), unit}, backwards{transposed.data(), unit};
    Guarded scratch((lstm ? k.lstm_scratch : k.gru_scratch)(in.geometry(), in.c.n) +
                    (unit != nullptr ? k.unit_scratch(in.gates, in.geometry(), in.c.n) : 0));
    const auto spoil = [&](Guarded& block) {
      for (Index i = 0; i < block.count(); ++i) block[i] = std::numeric_limits<real>::quiet_NaN();
    };
    for (Guarded* block : {&hidden, &gates, &cell, &dpre, &dq, &scratch}) spoil(*block);
    Guarded alone = hidden, same_memory = in.pre;
    if (lstm) {
      k.lstm_forward(in.geometry(), in.c.n, in.valid(), in.pre.data(), weight, hidden.data(), gates.data(),
                     cell.data(), scratch.data());
      k.lstm_forward(in.geometry(), in.c.n, in.valid(), in.pre.data(), weight, alone.data(), nullptr, nullptr,
                     scratch.data());
      k.lstm_forward(in.geometry(), in.c.n, in.valid(), same_memory.data(), weight, hidden.data(),
                     same_memory.data(), cell.data(), scratch.data());
      CHECK(same_memory.equals(gates));
      spoil(scratch);
      k.lstm_backward(in.geometry(), in.c.n, in.valid(), in.dhidden.data(), gates.data(), cell.data(),
                      backwards, dpre.data(), scratch.data());
      k.lstm_backward(in.geometry(), in.c.n, in.valid(), in.dhidden.data(), same_memory.data(), cell.data(),
                      backwards, same_memory.data(), scratch.data());
      CHECK(same_memory.equals(dpre));
    } else {
      k.gru_forward(in.geometry(), in.c.n, in.valid(), in.pre.data(), weight, in.bias.data(), hidden.data(),
                    gates.data(), scratch.data());
      k.gru_forward(in.geometry(), in.c.n, in.valid(), in.pre.data(), weight, in.bias.data(), alone.data(),
                    nullptr, scratch.data());
      spoil(scratch);
      k.gru_backward(in.geometry(), in.c.n, in.valid(), in.dhidden.data(), hidden.data(), gates.data(),
                     backwards, dpre.data(), dq.data(), scratch.data());
    }
    CHECK(alone.equals(hidden));
    CHECK((hidden.intact() && gates.intact() && cell.intact() && dpre.intact() && dq.intact() &&
           scratch.intact()));
    CHECK((packed.intact() && transposed.intact() && same_memory.intact()));
  }
};

template <class F>
void for_each_case(const F& f) {
  int turn = 0;
  for (const Index n : {0, 1, 3, 6, 7, 13}) {
    for (const Index t : {1, 2, 5}) {
      for (const Index h : {1, 3, 4, 7, 8, 9, 15, 16, 17, 33, 64}) {
        ++turn;
        f(Case{n, t, h, turn % 2 == 0, turn % 3 == 0});
        f(Case{n, t, h, turn % 2 != 0, turn % 3 != 0});
      }
    }
  }
  f(Case{32, 20, 128, false, false});
  f(Case{17, 30, 100, true, true});
  f(Case{70, 3, 20, false, true});
  f(Case{5, 4, 300, true, false});
}

double tolerance(const Case& c, Index terms, bool backward) {
  return 4 * (backward ? 2 : 1) * std::ceil(std::log2(static_cast<double>(std::max<Index>(2, terms * c.t)))) *
         kEps;
}

}  // namespace

TEST_CASE("the forward is the definition, in every set") {
  for (const Index gates : {4, 3}) {
    for_each_case([&](const Case& c) {
      const Inputs in(c, gates);
      const Doubles want = direct_hidden(in, doubles(in.pre), Doubles(at(in.pre.count())));
      for (const Isa isa : all_sets()) {
        CAPTURE(isa_name(isa));
        CAPTURE(gates);
        CAPTURE(c.n);
        CAPTURE(c.t);
        CAPTURE(c.h);
        CAPTURE(c.reverse);
        CAPTURE(c.lengths);
        const Outputs out(in, isa);
        CHECK(worst_error(out.hidden, want, 1) <= tolerance(c, c.h, false));
      }
    });
  }
}

TEST_CASE("the naive backward is the slope of the definition") {
  for (const Index gates : {4, 3}) {
    for (const Case& c : {Case{2, 3, 3, false, false}, Case{3, 4, 2, true, true}, Case{3, 4, 3, false, true},
                          Case{1, 1, 2, true, false}}) {
      const Inputs in(c, gates);
      const Outputs out(in, Isa::naive);
      const auto loss = [&](const Doubles& pre, const Doubles& extra) {
        const Doubles hidden = direct_hidden(in, pre, extra);
        double sum = 0;
        for (std::size_t i = 0; i < hidden.size(); ++i) {
          const auto weight = static_cast<double>(in.dhidden[static_cast<Index>(i)]);
          if (!std::isnan(weight)) sum += weight * hidden[i];
        }
        return sum;
      };
      const auto slopes = [&](bool of_pre) {
        constexpr double kStep = 1e-5;
        Doubles pre = doubles(in.pre), extra(pre.size()), result;
        for (std::size_t i = 0; i < pre.size(); ++i) {
          double& x = of_pre ? pre[i] : extra[i];
          const double before = x;
          x = before + kStep;
          const double above = loss(pre, extra);
          x = before - kStep;
          result.push_back((above - loss(pre, extra)) / (2 * kStep));
          x = before;
        }
        return result;
      };
      const double allowed = std::is_same_v<real, double> ? 1e-8 : tolerance(c, 4 * c.h, true);
      CHECK(worst_error(out.dpre, slopes(true), 1) <= allowed);
      if (gates == 3) CHECK(worst_error(out.dq, slopes(false), 1) <= allowed);
    }
  }
}

TEST_CASE("every set's backward equals the naive one within rounding") {
  for (const Index gates : {4, 3}) {
    for_each_case([&](const Case& c) {
      const Inputs in(c, gates);
      const Outputs want(in, Isa::naive);
      for (const Isa isa : fast_sets()) {
        CAPTURE(isa_name(isa));
        CAPTURE(gates);
        CAPTURE(c.n);
        CAPTURE(c.t);
        CAPTURE(c.h);
        CAPTURE(c.reverse);
        CAPTURE(c.lengths);
        const Outputs out(in, isa);
        CHECK(worst_error(out.gates, want.gates, 1) <= tolerance(c, c.h, false));
        if (gates == 4) CHECK(worst_error(out.cell, want.cell, 1) <= tolerance(c, c.h, false));
        const double allowed = tolerance(c, gates * c.h, true);
        CHECK(worst_error(out.dpre, want.dpre, largest_magnitude(want.dpre)) <= allowed);
        if (gates == 3) CHECK(worst_error(out.dq, want.dq, largest_magnitude(want.dq)) <= allowed);
      }
    });
  }
}

/// A unit's bits against those of the plain loops of its order.
void check_unit(const Inputs& in, const MatrixUnit& plain_loops, const MatrixUnit& own) {
  const Outputs naive(in, Isa::naive, &plain_loops), full(in, Isa::naive);
  const auto near = [&](const Guarded& got, const Guarded& want) {
    return worst_error(got, want, largest_magnitude(want)) < 0.02;
  };
  CHECK(near(naive.hidden, full.hidden));
  CHECK(near(naive.dpre, full.dpre));
  for (const Isa isa : fast_sets()) {
    CAPTURE(isa_name(isa));
    const Outputs plain(in, isa, &plain_loops), unit(in, isa, &own);
    for (const auto member : {&Outputs::hidden, &Outputs::gates, &Outputs::dpre, &Outputs::dq}) {
      CHECK((unit.*member).equals(plain.*member));
      // A state whose last bits differ may be rounded to the other side.
      CHECK(worst_error(plain.*member, naive.*member, largest_magnitude(naive.*member)) < 0.005);
    }
  }
}

TEST_CASE("products by a matrix unit: its bits are the plain loops', near the naive set's and fp32's") {
  if constexpr (std::is_same_v<real, double>) return;
  const MatrixUnit& tiles = amx_unit() != nullptr ? *amx_unit() : plain_unit();
  const MatrixUnit& pairs = pairs_unit() != nullptr ? *pairs_unit() : plain_pairs_unit();
  for (const Index gates : {4, 3}) {
    for (const Case& c :
         {Case{3, 2, 9, false, true}, Case{7, 5, 33, true, false}, Case{34, 3, 20, false, true},
          Case{1, 4, 64, true, false}, Case{0, 2, 5, false, false}}) {
      const Inputs in(c, gates);
      CAPTURE(gates);
      CAPTURE(c.n);
      CAPTURE(c.h);
      check_unit(in, plain_unit(), tiles);
      check_unit(in, plain_pairs_unit(), pairs);
    }
  }
}

TEST_CASE("a sequence's bits do not depend on its neighbours") {
  const Case all{13, 6, 37, false, false};
  for (const Index gates : {4, 3}) {
    for (const Isa isa : fast_sets()) {
      const Inputs in(all, gates);
      const Outputs together(in, isa);
      for (Index n = 0; n < all.n; ++n) {
        Inputs own(Case{1, all.t, all.h, false, false}, gates);
        for (Index i = 0; i < own.pre.count(); ++i) own.pre[i] = in.pre[n * own.pre.count() + i];
        for (Index i = 0; i < own.dhidden.count(); ++i)
          own.dhidden[i] = in.dhidden[n * own.dhidden.count() + i];
        const Outputs alone(own, isa);
        const auto same = [&](const Guarded& one, const Guarded& whole) {
          return std::memcmp(one.data(), whole.data() + n * one.count(), sizeof(real) * at(one.count())) == 0;
        };
        CHECK((same(alone.hidden, together.hidden) && same(alone.gates, together.gates)));
        CHECK(same(alone.dpre, together.dpre));
      }
    }
  }
}

TEST_CASE("beyond its length a sequence gives zero and gets no gradient") {
  for (const Isa isa : all_sets()) {
    for (const Index gates : {4, 3}) {
      for (const bool reverse : {false, true}) {
        const Inputs in(Case{5, 6, 9, reverse, true}, gates);
        const Outputs out(in, isa);
        bool zero = true;
        for (Index n = 0; n < 5; ++n) {
          for (Index t = in.lengths[at(n)]; t < 6; ++t) {
            for (Index u = 0; u < 9; ++u) zero = zero && out.hidden[(n * 6 + t) * 9 + u] == 0;
            for (Index j = 0; j < gates * 9; ++j) zero = zero && out.dpre[(n * 6 + t) * gates * 9 + j] == 0;
          }
        }
        CHECK(zero);
      }
    }
  }
}
