import HTTPTypes

extension HTTPFields {
    /// The value of a field for which HTTPTypes has no constant, several lines joined by commas.
    subscript(named name: String) -> String? {
        HTTPField.Name(name).flatMap { self[$0] }
    }
}
