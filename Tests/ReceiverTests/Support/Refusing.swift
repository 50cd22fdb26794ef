import Testing

@testable import Receiver

/// What `judge` refuses with; nil where it does not.
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
