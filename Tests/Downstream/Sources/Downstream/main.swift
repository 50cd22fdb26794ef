import HTTPStreaming

let client = try Client(.post, "http://localhost:3000")

let response = try await client.send(.file("big.bin"))
print(response.status, try await response.text())

try await client.sendUnclosed(.file("a.bin"))
try await client.sendUnclosed(.file("b.bin"))
let both = try await client.close()
print(both.status)
