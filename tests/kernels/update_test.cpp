#include <doctest/doctest.h>

#include "tests/kernels/close.h"

using namespace firn;

namespace {

constexpr double kTolerance = 4e-6;
constexpr int kSteps = 5;

/// Parameter, gradient and two states of each element, in double.
struct Element {
  double value, first = 0, second = 0;
};

/// Runs kSteps of `kernel` on guarded data and of `formula` on doubles, and compares all they write.
template <class Kernel, class Formula>
void compare(const char* name, const Kernel& kernel, const Formula& formula) {
  for (const Index count : kSizes) {
    for (const Isa isa : all_sets()) {
      Guarded value = random_block(count, 1, -2, 2, 1), first(count), second(count, 2);
      std::vector<Element> want;
      for (Index i = 0; i < count; ++i) want.push_back({value[i]});
      for (int step = 1; step <= kSteps; ++step) {
        const Guarded gradient = random_block(count, static_cast<std::uint32_t>(step + 1));
        kernel(kernels(isa).update, step, gradient, value, first, second);
        for (Index i = 0; i < count; ++i)
          formula(step, static_cast<double>(gradient[i]), want[static_cast<std::size_t>(i)]);
      }
      std::vector<double> values, firsts, seconds;
      for (const Element& e : want) {
        values.push_back(e.value);
        firsts.push_back(e.first);
        seconds.push_back(e.second);
      }
      CAPTURE(name);
      CAPTURE(isa_name(isa));
      CAPTURE(count);
      CHECK(worst_error(value, values, 1) <= kTolerance);
      CHECK(worst_error(first, firsts, 1) <= kTolerance);
      CHECK(worst_error(second, seconds, 1) <= kTolerance);
      CHECK((value.intact() && first.intact() && second.intact()));
    }
  }
}

}  // namespace

TEST_CASE("sgd: plain, momentum, dampening, Nesterov, decay, clipped") {
  for (const double momentum : {0.0, 0.9}) {
    for (const bool nesterov : {false, true}) {
      for (const double decay : {0.0, 0.01}) {
        const double dampening = nesterov ? 0.0 : 0.25, rate = 0.05, scale = 0.5;
        compare(
            "sgd",
            [&](const UpdateKernels& k, int step, const Guarded& g, Guarded& value, Guarded& first,
                Guarded&) {
              SgdRule rule;
              rule.rate = static_cast<real>(rate);
              rule.momentum = static_cast<real>(momentum);
              rule.dampening = static_cast<real>(dampening);
              rule.decay = static_cast<real>(decay);
              rule.gradient_scale = static_cast<real>(scale);
              rule.nesterov = nesterov;
              rule.first = step == 1;
              k.sgd(rule, g.count(), g.data(), value.data(), momentum != 0 ? first.data() : nullptr);
            },
            [&](int step, double gradient, Element& e) {
              const double g = scale * gradient + decay * e.value;
              double direction = g;
              if (momentum != 0) {
                e.first = step == 1 ? g : momentum * e.first + (1 - dampening) * g;
                direction = nesterov ? g + momentum * e.first : e.first;
              }
              e.value -= rate * direction;
            });
      }
    }
  }
}

TEST_CASE("a new momentum buffer is not read") {
  for (const Isa isa : all_sets()) {
    Guarded value(20), momentum(20);
    const Guarded gradient = random_block(20, 3);
    for (Index i = 0; i < 20; ++i) momentum[i] = std::numeric_limits<real>::quiet_NaN();
    SgdRule rule;
    rule.rate = 1;
    rule.momentum = real(0.9);
    rule.first = true;
    kernels(isa).update.sgd(rule, 20, gradient.data(), value.data(), momentum.data());
    CHECK(momentum.equals(gradient));
  }
}

TEST_CASE("adam and adamw") {
  for (const bool decoupled : {false, true}) {
    for (const double decay : {0.0, 0.1}) {
      const double rate = 0.02, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-3, scale = 2;
      compare(
          decoupled ? "adamw" : "adam",
          [&](const UpdateKernels& k, int step, const Guarded& g, Guarded& value, Guarded& first,
              Guarded& second) {
            AdamRule rule;
            rule.rate = static_cast<real>(rate);
            rule.beta1 = static_cast<real>(beta1);
            rule.beta2 = static_cast<real>(beta2);
            rule.epsilon = static_cast<real>(epsilon);
            rule.decay = static_cast<real>(decay);
            rule.gradient_scale = static_cast<real>(scale);
            rule.correction1 = static_cast<real>(1 - std::pow(beta1, step));
            rule.correction2 = static_cast<real>(1 - std::pow(beta2, step));
            rule.decoupled = decoupled;
            k.adam(rule, g.count(), g.data(), value.data(), first.data(), second.data());
          },
          [&](int step, double gradient, Element& e) {
            const double g = scale * gradient + (decoupled ? 0 : decay * e.value);
            if (decoupled) e.value -= rate * decay * e.value;
            e.first = beta1 * e.first + (1 - beta1) * g;
            e.second = beta2 * e.second + (1 - beta2) * g * g;
            const double corrected = e.second / (1 - std::pow(beta2, step));
            e.value -= rate * e.first / (1 - std::pow(beta1, step)) / (std::sqrt(corrected) + epsilon);
          });
    }
  }
}

TEST_CASE("rmsprop") {
  for (const double momentum : {0.0, 0.8}) {
    for (const double decay : {0.0, 0.1}) {
      const double rate = 0.01, alpha = 0.9, epsilon = 1e-2, scale = 0.5;
      compare(
          "rmsprop",
          [&](const UpdateKernels& k, int, const Guarded& g, Guarded& value, Guarded& first,
              Guarded& second) {
            RmspropRule rule;
            rule.rate = static_cast<real>(rate);
            rule.alpha = static_cast<real>(alpha);
            rule.epsilon = static_cast<real>(epsilon);
            rule.momentum = static_cast<real>(momentum);
            rule.decay = static_cast<real>(decay);
            rule.gradient_scale = static_cast<real>(scale);
            k.rmsprop(rule, g.count(), g.data(), value.data(), second.data(),
                      momentum != 0 ? first.data() : nullptr);
          },
          [&](int, double gradient, Element& e) {
            const double g = scale * gradient + decay * e.value;
            e.second = alpha * e.second + (1 - alpha) * g * g;
            double direction = g / (std::sqrt(e.second) + epsilon);
            if (momentum != 0) direction = e.first = momentum * e.first + direction;
            e.value -= rate * direction;
          });
    }
  }
}
