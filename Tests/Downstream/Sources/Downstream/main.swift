import HTTPStreaming

let client = try Client(.post, "http://localhost:3000")

// One file, one request, with an exact Content-Length.
let response = try await client.send(.file("big.bin"))
print(response.status, try await response.text())

// Two files as one request, on the same connection.
try await client.sendUnclosed(.file("a.bin"))
try await client.sendUnclosed(.file("b.bin"))
let both = try await client.close()
print(both.status, try await both.text())
