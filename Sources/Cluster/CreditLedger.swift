import Messages

/// What each peer still takes: the sender's side of byte credits, for one view.
///
/// High-water marks count messages and are approximate, so bulk data are bounded by bytes. A receiver names the
/// number of payload bytes that a peer may have sent in this view, in all (as QUIC does, RFC 9000 section 4.1): a lost
/// or repeated word does no harm. Every peer begins with `initialLimit`. A sender stops once it has used its limit up,
/// so it exceeds it by less than one chunk, and a chunk larger than the limit still gets through.
public struct CreditLedger: Sendable {
  /// Bytes that may be on the way to a peer before it has said anything.
  public static let initialLimit: UInt64 = 32 << 20

  private struct Account {
    var granted = CreditLedger.initialLimit
    var used: UInt64 = 0
  }
  private var accounts: [NodeNumber: Account] = [:]

  public init() {}

  /// Bytes sent to the peer so far: a message's `bytesBefore`.
  public func used(_ peer: NodeNumber) -> UInt64 { accounts[peer]?.used ?? 0 }

  public func maySend(to peer: NodeNumber) -> Bool {
    let account = accounts[peer] ?? Account()
    return account.used < account.granted
  }

  /// `bytes` of payload are on their way.
  public mutating func use(_ bytes: Int, to peer: NodeNumber) {
    accounts[peer, default: Account()].used += UInt64(bytes)
  }

  /// The peer's word. Returns whether it may send more than before; an older word changes nothing.
  @discardableResult
  public mutating func grant(limit: UInt64, by peer: NodeNumber) -> Bool {
    guard limit > (accounts[peer] ?? Account()).granted else { return false }
    accounts[peer, default: Account()].granted = limit
    return true
  }

  /// A new view: counts begin again.
  public mutating func reset() { accounts.removeAll() }
}

/// The receiver's side: what came from each peer, what of it is used up and so may come again.
public struct CreditGrants: Sendable {
  private struct Account {
    /// Bytes that the peer had sent up to the newest message: what came, and what was lost before it.
    var seen: UInt64 = 0
    /// Of those, bytes that are still held.
    var held: UInt64 = 0
    var announced = CreditLedger.initialLimit
  }
  private var accounts: [NodeNumber: Account] = [:]
  private let window: UInt64

  /// - Parameter window: bytes that a peer may have on the way or held here.
  public init(window: UInt64 = CreditLedger.initialLimit) { self.window = window }

  /// A message came whose sender had sent `bytesBefore` before it; its payload of `bytes` is held from now on.
  public mutating func receive(bytesBefore: UInt64, bytes: Int, from peer: NodeNumber) {
    var account = accounts[peer] ?? Account()
    let (end, overflow) = bytesBefore.addingReportingOverflow(UInt64(bytes))
    guard !overflow else { return }
    account.seen = max(account.seen, end)
    account.held += UInt64(bytes)
    accounts[peer] = account
  }

  /// `bytes` are no longer held. Returns the new limit when it is worth a message: once half the window is free again.
  public mutating func release(_ bytes: Int, of peer: NodeNumber) -> UInt64? {
    guard var account = accounts[peer] else { return nil }
    account.held -= min(UInt64(bytes), account.held)
    defer { accounts[peer] = account }
    let limit = limit(of: account)
    guard limit > account.announced, limit - account.announced >= window / 2 else { return nil }
    account.announced = limit
    return limit
  }

  /// The limit as it stands, for a peer that asks or may have missed the last word.
  public mutating func announce(to peer: NodeNumber) -> UInt64 {
    var account = accounts[peer] ?? Account()
    account.announced = max(account.announced, limit(of: account))
    accounts[peer] = account
    return account.announced
  }

  private func limit(of account: Account) -> UInt64 {
    let (sum, overflow) = account.seen.addingReportingOverflow(window)
    return overflow ? .max : sum - min(account.held, window)
  }

  /// A new view: counts begin again.
  public mutating func reset() { accounts.removeAll() }
}
