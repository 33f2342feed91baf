import Tensors

/// The parameters as a contribution sees them: one tensor for every slot of the layout. Made anew for each
/// contribution, since a variable belongs to one tape; a layer that is used twice gets the same variable twice.
public struct ParameterViews {
  private let tensors: [Tensor]
  private let layout: Layout

  /// Plain views: nothing is recorded.
  public init(_ parameters: FlatBuffer) {
    layout = parameters.layout
    tensors = layout.slots.map(parameters.tensor)
  }

  /// Variables of a tape.
  /// - Parameter gradient: where `Tape.backward` leaves the derivatives, all slots of them: memory of the parameters'
  ///   layout that outlives the tape's next reset. Without it, derivatives are had from `Tape.gradient`.
  public init(_ parameters: FlatBuffer, on tape: Tape, gradient: UnsafeMutablePointer<Float>? = nil) {
    layout = parameters.layout
    tensors = layout.slots.map { slot in
      tape.variable(
        parameters.tensor(slot),
        gradient: gradient.map { Tensor(viewing: $0 + slot.offset, slot.shape, keeping: parameters) })
    }
  }

  /// Tensors in the place of a layout's slots, such as weights that were sampled.
  public init(_ tensors: [Tensor], for layout: Layout) {
    precondition(
      tensors.map(\.shape) == layout.slots.map(\.shape), "the tensors have not the shapes of the layout's slots")
    self.layout = layout
    self.tensors = tensors
  }

  public subscript(slot: Slot) -> Tensor {
    // Slots lie in the order of their offsets; an empty slot shares its offset with the one after it.
    var (low, high) = (0, layout.slots.count)
    while low < high {
      let middle = (low + high) / 2
      if layout.slots[middle].offset < slot.offset { low = middle + 1 } else { high = middle }
    }
    while low < layout.slots.count, layout.slots[low] != slot { low += 1 }
    precondition(low < layout.slots.count, "\(slot.name) is not a slot of these parameters")
    return tensors[low]
  }
}
