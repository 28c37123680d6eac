-- The customer's schema (system-architecture 3.0), in the words that SQLite and PostgreSQL share. Where PostgreSQL has
-- ENUM a CHECK stands, where it has TIMESTAMPTZ a text of one width: 2026-01-11T10:30:00.000Z.

CREATE TABLE tenants (
  id                VARCHAR(25)  NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 25),
  name              VARCHAR(255) NOT NULL CHECK (length(name) <= 255),
  slug              VARCHAR(255) NOT NULL UNIQUE CHECK (length(slug) <= 255),
  status            TEXT         NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE', 'SUSPENDED')),
  tenant_type       VARCHAR(50)  NOT NULL DEFAULT 'SMART_KITCHEN',
  created_at        TEXT         NOT NULL CHECK (length(created_at) = 24),
  updated_at        TEXT         NOT NULL CHECK (length(updated_at) = 24)
);

CREATE TABLE users (
  id                VARCHAR(25)  NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 25),
  email             VARCHAR(255) NOT NULL UNIQUE CHECK (length(email) <= 255),
  password_hash     VARCHAR(255) NOT NULL,
  name              VARCHAR(255),
  role              TEXT         NOT NULL DEFAULT 'USER' CHECK (role IN ('USER', 'ADMIN')),
  status            TEXT         NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE', 'SUSPENDED')),
  default_tenant_id VARCHAR(25)  REFERENCES tenants (id),
  created_at        TEXT         NOT NULL CHECK (length(created_at) = 24),
  updated_at        TEXT         NOT NULL CHECK (length(updated_at) = 24)
);

-- One person per address, however it is written.
CREATE UNIQUE INDEX users_email_lower ON users (lower(email));

CREATE TABLE tenant_memberships (
  id                VARCHAR(25)  NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 25),
  tenant_id         VARCHAR(25)  NOT NULL REFERENCES tenants (id),
  user_id           VARCHAR(25)  NOT NULL REFERENCES users (id),
  role              TEXT         NOT NULL CHECK (role IN ('KITCHEN_OWNER', 'KITCHEN_MANAGER', 'KITCHEN_STAFF')),
  status            TEXT         NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE')),
  created_at        TEXT         NOT NULL CHECK (length(created_at) = 24),
  UNIQUE (tenant_id, user_id)
);

CREATE INDEX tenant_memberships_user ON tenant_memberships (user_id);

CREATE TABLE audit_logs (
  id                VARCHAR(25)  NOT NULL PRIMARY KEY,
  tenant_id         VARCHAR(25),
  actor_user_id     VARCHAR(25),
  action            VARCHAR(100) NOT NULL,
  entity_type       VARCHAR(100),
  entity_id         VARCHAR(255),
  ip                VARCHAR(45),
  user_agent        TEXT,
  created_at        TEXT         NOT NULL CHECK (length(created_at) = 24)
);

CREATE INDEX audit_logs_tenant ON audit_logs (tenant_id, created_at);
