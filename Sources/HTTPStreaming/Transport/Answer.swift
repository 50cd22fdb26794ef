/// What an agent hands over of a response: its head, and where its content arrives.
struct Answer: Sendable {
    let status: Int
    let headerFields: HeaderFields
    let bytesSent: Int64
    /// Whether the request had a body without an announced length.
    let isBodyOfUnknownLength: Bool
    let content: ContentBuffer
    /// Whether a content coding was asked for by the client, which undoes it.
    let isDecoded: Bool
    let metrics: MetricsBox
}
