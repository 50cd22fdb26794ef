import Testing

@testable import Receiver

/// The refusal that `judge` throws; nil if it returns.
func refusal(_ judge: () throws -> some Any) -> Refusal? {
    do {
        _ = try judge()
    } catch let refusal as Refusal {
        return refusal
    } catch {
        Issue.record(error)
    }
    return nil
}
