"""From recordings to a label each: windows are examples, a recording's answer is that of its windows together."""
