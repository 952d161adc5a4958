package dynamodb

// Deploy makes a table as a deployment leaves it: active, with a primary key of two strings, deletion protection,
// point-in-time recovery and a time to live.
func (s *Store) Deploy(name, hash, sort, ttl string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.newTable(name, 0)
	t.hash, t.sort, t.ttl = keyAttribute{hash, "S"}, keyAttribute{sort, "S"}, ttl
	t.billing, t.protected = "PAY_PER_REQUEST", true
	t.journal = &journal{begun: s.now(), items: map[key]item{}}
	s.tables[name] = t
}
